import os

import pytest

from airegistry._rpc.edge import RateLimit, Tls
from airegistry._rpc.edge_settings import EdgeSettings
from airegistry._rpc.process import SettingsError
from airegistry._rpc.settings import ProgramSettings, read_environment
from gateway.config import Config as GatewayConfig
from registry.config import Config

OF_ENVOY = {
    "TLS_CERT_FILE": "server.crt",
    "TLS_KEY_FILE": "server.key",
    "TLS_CLIENT_CA_FILE": "ca.pem",
    "CORS_ORIGINS": "*",
    "COMPRESSION": "false",
    "ACCESS_LOG": "-",
    "RATE_LIMIT": "10",
    "RATE_LIMIT_BURST": "20",
    "MAX_CONNECTIONS": "100",
}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("AIREGISTRY_", "XDG_")):
            monkeypatch.delenv(name)


def configured(monkeypatch, settings=Config, **values):
    for name, value in values.items():
        monkeypatch.setenv(f"AIREGISTRY_{name}", value)
    return read_environment(settings, "registry" if settings is Config else "gateway")


def test_every_setting_of_the_listener_is_tried_here():
    own = EdgeSettings.model_fields.keys() - ProgramSettings.model_fields.keys()
    assert {name.upper() for name in own} == OF_ENVOY.keys()


@pytest.mark.parametrize("settings", [Config, GatewayConfig], ids=["registry", "gateway"])
@pytest.mark.parametrize("name", OF_ENVOY)
def test_what_only_envoy_can_do_is_refused_without_it(monkeypatch, settings, name):
    with pytest.raises(SettingsError, match=f"AIREGISTRY_{name}: only the Envoy carrier"):
        configured(monkeypatch, settings, **OF_ENVOY)


def test_all_of_it_is_taken_with_envoy(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    config = configured(
        monkeypatch, CARRIER="envoy", **OF_ENVOY | {"CORS_ORIGINS": "https://a.example, http://b.example:80"}
    )
    assert config.tls == Tls(tmp_path / "server.crt", tmp_path / "server.key", tmp_path / "ca.pem")
    assert config.origins == ("https://a.example", "http://b.example:80")
    assert config.limit == RateLimit(10, 20)
    assert (config.compression, config.access_log, config.max_connections) == (False, "-", 100)


def test_a_burst_is_that_of_a_second_unless_it_is_said(monkeypatch):
    assert configured(monkeypatch, CARRIER="envoy", RATE_LIMIT="2.5").limit == RateLimit(2.5, 3)


def test_a_carrier_that_there_is_not_is_all_that_is_told(monkeypatch):
    with pytest.raises(SettingsError) as caught:
        configured(monkeypatch, CARRIER="pigeon", ACCESS_LOG="-")
    assert "AIREGISTRY_CARRIER" in str(caught.value)
    assert "ACCESS_LOG" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"TLS_CERT_FILE": "a"}, "go together", id="no-key"),
        pytest.param({"TLS_KEY_FILE": "a"}, "go together", id="no-certificate"),
        pytest.param({"TLS_CLIENT_CA_FILE": "a"}, "needs the server's own", id="only-clients"),
        pytest.param({"RATE_LIMIT_BURST": "5"}, "needs the limit", id="no-limit"),
        pytest.param({"RATE_LIMIT": "0"}, "greater than 0", id="nothing-let-through"),
        pytest.param({"CORS_ORIGINS": "app.example"}, "must be origins", id="no-scheme"),
        pytest.param({"CORS_ORIGINS": "https://a.example/"}, "must be origins", id="path"),
    ],
)
def test_what_does_not_go_together_is_refused(monkeypatch, values, words):
    with pytest.raises(SettingsError, match=words):
        configured(monkeypatch, CARRIER="envoy", **values)


def test_only_who_knows_its_clients_listens_beyond_loopback_unasked(monkeypatch):
    encrypted = {"CARRIER": "envoy", "TLS_CERT_FILE": "a", "TLS_KEY_FILE": "b"}
    assert not configured(monkeypatch, **encrypted).post.insecure
    assert configured(monkeypatch, **encrypted, TLS_CLIENT_CA_FILE="c").post.insecure
