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


URL = "postgresql://registry:hunter2@db/registry"


def test_a_secret_may_be_in_a_file(monkeypatch, tmp_path):
    (tmp_path / "url").write_text(f"{URL}\n")
    monkeypatch.setenv("AIREGISTRY_REGISTRY_DATABASE_URL_FILE", str(tmp_path / "url"))
    assert read_environment(Config, "registry").registry_database_url.get_secret_value() == URL


@pytest.mark.parametrize("name", ["", "_FILE"], ids=["by-value", "by-file"])
def test_an_option_for_a_secret_counts_more_than_either_variable(monkeypatch, tmp_path, name):
    for file, text in (("of-environment", "postgresql://other"), ("of-option", URL)):
        (tmp_path / file).write_text(text)
    values = {"": "postgresql://other", "_FILE": str(tmp_path / "of-environment")}
    monkeypatch.setenv(f"AIREGISTRY_REGISTRY_DATABASE_URL{name}", values[name])
    for option in (
        ["--registry-database-url", URL],
        ["--registry-database-url-file", str(tmp_path / "of-option")],
    ):
        assert read_settings(Config, "registry", option).registry_database_url.get_secret_value() == URL


def test_a_secret_is_set_in_one_place(monkeypatch, tmp_path):
    (tmp_path / "url").write_text(URL)
    monkeypatch.setenv("AIREGISTRY_REGISTRY_DATABASE_URL", URL)
    monkeypatch.setenv("AIREGISTRY_REGISTRY_DATABASE_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(SettingsError, match="set one of them") as caught:
        read_environment(Config, "registry")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param(b" \n", "is empty", id="empty"),
        pytest.param(b"\xff\xfe", "is not text", id="no-text"),
    ],
)
def test_a_file_without_a_secret_is_named(monkeypatch, tmp_path, content, words):
    if content is not None:
        (tmp_path / "url").write_bytes(content)
    monkeypatch.setenv("AIREGISTRY_REGISTRY_DATABASE_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(SettingsError, match=f"URL_FILE: .*{tmp_path}/url.*{words}"):
        read_environment(Config, "registry")


def test_a_secret_is_never_shown(monkeypatch, capsys):
    monkeypatch.setenv("AIREGISTRY_REGISTRY_DATABASE_URL", URL)
    config = read_environment(Config, "registry")
    assert "hunter2" not in f"{config!r} {config} {config.model_dump()} {config.model_dump_json()}"
    with pytest.raises(SystemExit):
        read_settings(Config, "registry", ["--help"])
    assert "hunter2" not in capsys.readouterr().out
    monkeypatch.setenv("AIREGISTRY_REGISTRY_DATABASE_URL", "mysql://hunter2@db")
    with pytest.raises(SettingsError, match="must begin with postgresql://") as caught:
        read_environment(Config, "registry")
    assert "hunter2" not in str(caught.value)


def test_sqlite_has_one_process(monkeypatch):
    monkeypatch.setenv("AIREGISTRY_REGISTRY_WORKERS", "2")
    with pytest.raises(SettingsError, match=r"^AIREGISTRY_REGISTRY_WORKERS: more than one .* needs PostgreSQL"):
        read_environment(Config, "registry")
    monkeypatch.setenv("AIREGISTRY_REGISTRY_DATABASE_URL", URL)
    assert read_environment(Config, "registry").registry_workers == 2
