"""The files of deploy/ name settings, metrics and programs that exist."""

import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from gateway.config import Config as GatewayConfig
from registry.config import Config as RegistryConfig

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SYSTEMD = shutil.which("systemd-analyze")
PLANES: dict[str, type[BaseModel]] = {"registry": RegistryConfig, "gateway": GatewayConfig}
UNITS = {"registry": "registry", "registry-postgres": "registry", "gateway": "gateway"}
each_unit = pytest.mark.parametrize(("name", "plane"), UNITS.items(), ids=UNITS)


class _Unit(ConfigParser):
    """A unit file, whose keys are case-sensitive and may come more than once; the lines of one key are joined."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def service_of(name: str) -> tuple[str, dict[str, str]]:
    """Return the command, and the environment, of a unit."""
    text = (DEPLOY / f"systemd/airegistry-{name}.service").read_text()
    environment = dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE))
    unit = _Unit(strict=False, interpolation=None)
    unit.read_string(text)
    return unit["Service"]["ExecStart"], environment


@each_unit
def test_a_unit_starts_its_plane_with_settings_that_exist(name, plane):
    command, environment = service_of(name)
    assert command.endswith(f"python -m {plane}")
    known = {f"AIREGISTRY_{setting.upper()}" for setting in PLANES[plane].model_fields}
    assert set(environment) <= known


@each_unit
def test_a_unit_leaves_time_to_drain(name, plane):
    text = (DEPLOY / f"systemd/airegistry-{name}.service").read_text()
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert int(seconds) > PLANES[plane].model_fields[f"{plane}_drain"].default


@pytest.mark.skipif(SYSTEMD is None, reason="systemd is not installed here")
@each_unit
def test_systemd_understands_the_unit(name, plane, tmp_path):
    text = (DEPLOY / f"systemd/airegistry-{name}.service").read_text()
    # The program need not be installed here.
    unit = tmp_path / f"airegistry-{name}.service"
    unit.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/sh", text))
    done = subprocess.run([SYSTEMD or "", "verify", unit], capture_output=True, text=True, check=False)
    assert unit.name not in done.stderr, done.stderr


def test_prometheus_scrapes_where_the_planes_serve_their_metrics():
    config = yaml.safe_load((DEPLOY / "prometheus/scrape.yml").read_text())
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    assert targets == {
        f"airegistry-{plane}": [PLANES[plane].model_fields[f"{plane}_http_address"].default] for plane in PLANES
    }


def test_prometheus_scrapes_every_worker():
    _, environment = service_of("registry-postgres")
    host, _, first = environment["AIREGISTRY_REGISTRY_HTTP_ADDRESS"].partition(":")
    workers = range(int(environment["AIREGISTRY_REGISTRY_WORKERS"]))
    (job,) = yaml.safe_load((DEPLOY / "prometheus/scrape-workers.yml").read_text())["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [f"{host}:{int(first) + worker}" for worker in workers]


def test_prometheus_scrapes_every_worker_of_a_gateway():
    host, _, first = PLANES["gateway"].model_fields["gateway_workers_http_address"].default.partition(":")
    (job,) = yaml.safe_load((DEPLOY / "prometheus/scrape-gateway-workers.yml").read_text())["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [f"{host}:{int(first) + worker}" for worker in range(4)]


def test_workers_of_a_gateway_are_told_to_stop_once():
    assert "\nKillMode=mixed\n" in (DEPLOY / "systemd/airegistry-gateway.service").read_text()


def test_the_url_of_the_database_comes_as_a_credential_of_the_unit():
    _, environment = service_of("registry-postgres")
    text = (DEPLOY / "systemd/airegistry-registry-postgres.service").read_text()
    (credential,) = re.findall(r"^LoadCredential=(\S+):", text, re.MULTILINE)
    assert environment["AIREGISTRY_REGISTRY_DATABASE_URL_FILE"] == f"%d/{credential}"
    # Workers that are told to stop twice would not drain.
    assert "\nKillMode=mixed\n" in text


def test_alerts_watch_metrics_that_are_made():
    rules = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    made = "".join(path.read_text() for plane in UNITS for path in (ROOT / plane).glob("*metrics.py"))
    assert len(rules) == 9
    for rule in rules:
        (metric,) = re.findall(r"airegistry_\w+", rule["expr"])
        assert f'"{metric.removesuffix("_total")}"' in made
