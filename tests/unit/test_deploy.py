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
UNITS: dict[str, type[BaseModel]] = {"registry": RegistryConfig, "gateway": GatewayConfig}


class _Unit(ConfigParser):
    """A unit file, whose keys are case-sensitive and may come more than once; the lines of one key are joined."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def service_of(plane: str) -> tuple[str, dict[str, str]]:
    """Return the command, and the environment, of a unit."""
    text = (DEPLOY / f"systemd/airegistry-{plane}.service").read_text()
    environment = dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE))
    unit = _Unit(strict=False, interpolation=None)
    unit.read_string(text)
    return unit["Service"]["ExecStart"], environment


@pytest.mark.parametrize("plane", UNITS)
def test_a_unit_starts_its_plane_with_settings_that_exist(plane):
    command, environment = service_of(plane)
    assert command.endswith(f"python -m {plane}")
    known = {f"AIREGISTRY_{name.upper()}" for name in UNITS[plane].model_fields}
    assert set(environment) <= known


@pytest.mark.parametrize("plane", UNITS)
def test_a_unit_leaves_time_to_drain(plane):
    text = (DEPLOY / f"systemd/airegistry-{plane}.service").read_text()
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert int(seconds) > UNITS[plane].model_fields[f"{plane}_drain"].default


@pytest.mark.skipif(SYSTEMD is None, reason="systemd is not installed here")
@pytest.mark.parametrize("plane", UNITS)
def test_systemd_understands_the_unit(plane, tmp_path):
    text = (DEPLOY / f"systemd/airegistry-{plane}.service").read_text()
    # The program need not be installed here.
    unit = tmp_path / f"airegistry-{plane}.service"
    unit.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/sh", text))
    done = subprocess.run([SYSTEMD or "", "verify", unit], capture_output=True, text=True, check=False)
    assert unit.name not in done.stderr, done.stderr


def test_prometheus_scrapes_where_the_planes_serve_their_metrics():
    config = yaml.safe_load((DEPLOY / "prometheus/scrape.yml").read_text())
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    assert targets == {
        f"airegistry-{plane}": [UNITS[plane].model_fields[f"{plane}_http_address"].default] for plane in UNITS
    }


def test_alerts_watch_metrics_that_are_made():
    rules = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    made = "".join(path.read_text() for plane in UNITS for path in (ROOT / plane).glob("*metrics.py"))
    assert len(rules) == 9
    for rule in rules:
        (metric,) = re.findall(r"airegistry_\w+", rule["expr"])
        assert f'"{metric.removesuffix("_total")}"' in made
