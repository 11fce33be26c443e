import os

import pytest

from airegistry._rpc.process import SettingsError
from airegistry._rpc.settings import read_environment, read_settings
from registry.config import Config


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("AIREGISTRY_", "XDG_")):
            monkeypatch.delenv(name)


def test_each_setting_is_read_by_its_name(monkeypatch):
    monkeypatch.setenv("AIREGISTRY_REGISTRY_DRAIN", "2.5")
    monkeypatch.setenv("AIREGISTRY_INSECURE", "true")
    monkeypatch.setenv("AIREGISTRY_DATA_DIR", "/srv/data")
    config = read_environment(Config, "registry")
    assert (config.registry_drain, config.insecure, str(config.data_dir)) == (2.5, True, "/srv/data")


def test_an_option_counts_more_than_the_environment(monkeypatch):
    monkeypatch.setenv("AIREGISTRY_REGISTRY_DRAIN", "2.5")
    monkeypatch.setenv("AIREGISTRY_LOG_LEVEL", "debug")
    config = read_settings(Config, "registry", ["--registry-drain", "4", "--insecure"])
    assert (config.registry_drain, config.insecure, config.log_level) == (4, True, "debug")


def test_every_setting_is_an_option(capsys):
    with pytest.raises(SystemExit) as ended:
        read_settings(Config, "registry", ["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"--{name.replace('_', '-')}" in shown for name in Config.model_fields)


def test_an_option_that_is_not_there_ends_the_program_and_is_named(capsys):
    with pytest.raises(SystemExit) as ended:
        read_settings(Config, "registry", ["--insecur"])
    assert ended.value.code == 2
    assert "--insecur" in capsys.readouterr().err


def test_the_value_of_an_option_is_checked():
    with pytest.raises(SettingsError, match="AIREGISTRY_REGISTRY_DRAIN"):
        read_settings(Config, "registry", ["--registry-drain", "soon"])


def test_values_from_code_ignore_the_environment(monkeypatch):
    monkeypatch.setenv("AIREGISTRY_REGISTRY_DRAIN", "2.5")
    assert Config().registry_drain == 10


def test_the_data_folder_follows_xdg_unless_it_is_named(monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "/xdg")
    assert str(read_environment(Config, "registry").data_dir) == "/xdg/airegistry"
    monkeypatch.setenv("AIREGISTRY_DATA_DIR", "/srv/data")
    assert str(read_environment(Config, "registry").data_dir) == "/srv/data"


@pytest.mark.parametrize("name", ["AIREGISTRY_GATEWAY_DRAIN", "AIREGISTRY_ADDRESS"], ids=["gateway", "client"])
def test_what_others_read_from_the_same_environment_is_let_through(monkeypatch, name):
    monkeypatch.setenv(name, "x")
    assert read_environment(Config, "registry") == Config()


def test_unknown_names_are_refused_all_at_once(monkeypatch):
    monkeypatch.setenv("AIREGISTRY_LOGLEVEL", "info")
    monkeypatch.setenv("AIREGISTRY_REGISTRY_NONSENSE", "1")
    with pytest.raises(SettingsError) as caught:
        read_environment(Config, "registry")
    assert "AIREGISTRY_LOGLEVEL (did you mean AIREGISTRY_LOG_LEVEL?)" in str(caught.value)
    assert "AIREGISTRY_REGISTRY_NONSENSE" in str(caught.value)


def test_a_wrong_value_is_named_but_not_shown(monkeypatch):
    monkeypatch.setenv("AIREGISTRY_REGISTRY_DRAIN", "hunter2")
    with pytest.raises(SettingsError, match="AIREGISTRY_REGISTRY_DRAIN: ") as caught:
        read_environment(Config, "registry")
    assert "hunter2" not in str(caught.value)


def test_every_setting_is_described():
    assert all(field.description for field in Config.model_fields.values())
