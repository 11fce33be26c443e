"""`import` and `auto-register` against a real registry, with the real catalog and an Ollama that answers as one."""

import json
import re
import time

import pytest

from tests.command_line import servers
from tests.providers import status

TAGS = {"models": [{"name": "llama3:8b", "details": {"family": "llama", "quantization_level": "Q4_0"}}]}
GPT = "models/openai.gpt-4o"
GPT_AT_OPENAI = f"{GPT}/endpoints/openai"


async def ollama(peer):
    assert peer.path == "/v1/api/tags"
    await peer.reply(200, json.dumps(TAGS).encode())


async def endless(peer):
    await peer.head(200, {"content-type": "application/json"})
    while True:
        await peer.send(b" " * 65_536)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    behaviours = {"ollama": ollama, "endless": endless, "broken": status(500)}
    with servers(tmp_path_factory.mktemp("data"), **behaviours) as running:
        yield running


@pytest.fixture(scope="module")
def imported(running, tmp_path_factory):
    """Import the real catalog once."""
    report = tmp_path_factory.mktemp("report") / "report.json"
    started = time.process_time()
    done = running.data("import", "genai-prices", "--report", str(report))
    return done, json.loads(report.read_text()), time.process_time() - started


def revision(running):
    return running.data("status")["planes"][0]["revision"]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch, tmp_path):
    """A model-config file of whoever runs the tests is none of ours."""
    monkeypatch.chdir(tmp_path)


def auto(running, *options, **env):
    found = running.data("auto-register", "--ollama", "http://127.0.0.1:1", *options, **env)
    return {each["source"]: each for each in found}


def test_the_whole_catalog_is_imported_with_a_report_of_everything_that_is_odd(running, imported):
    done, report, seconds = imported
    counts = running.data("status")["planes"][0]["counts"]
    assert done["created_count"] == counts["models"] + counts["endpoints"]
    assert counts["models"] > 2_000
    assert counts["invocable"] == 0
    assert sum(done["notes"].values()) == len(report["notes"])
    assert done["collisions"] == len(report["collisions"]) > 100
    assert all(note["subject"] and note["reason"] for note in report["notes"] + report["collisions"])
    assert seconds < 30


def test_importing_again_changes_nothing(running, imported):
    before = revision(running)
    again = running.data("import", "genai-prices")
    assert again["unchanged_count"] == imported[0]["created_count"]
    assert (again["created_count"], again["updated_count"], again["revision"]) == (0, 0, before)


def test_the_report_is_counted_by_reason_for_people(running, imported):
    result = running.run("import", "genai-prices")
    assert result.exit_code == 0
    assert result.stdout.startswith("genai-prices ")
    for reason, count in imported[0]["notes"].items():
        assert f"  {count:,}: {reason}" in result.stderr


def test_an_original_id_with_a_slash_is_found(running, imported):
    assert imported
    running.until_gateway_knows()
    result = running.run("invoke", "meta-llama/llama-3.1-8b-instruct", "hi")
    assert "MODEL_NOT_FOUND" not in result.stderr


@pytest.mark.usefixtures("imported")
def test_what_was_added_by_hand_outlives_an_import_and_what_was_changed_is_mended(running):
    endpoint = running.data("get", GPT_AT_OPENAI)
    prices = endpoint["endpoint"].pop("prices")
    endpoint["endpoint"] |= {"credential": "TEAM_KEY", "weight": 3, "region": "eu"}
    endpoint["labels"] = {"team": "search"}
    assert running.data("register", "-f", "-", given=json.dumps(endpoint))["updated_count"] == 1
    assert running.data("import", "genai-prices")["updated_count"] == 1
    after = running.data("get", GPT_AT_OPENAI)
    assert after["endpoint"]["prices"]["schedules"] == prices["schedules"]
    assert (after["endpoint"]["credential"], after["endpoint"]["weight"], after["labels"]) == (
        "TEAM_KEY",
        3,
        {"team": "search"},
    )
    running.data("register", "-f", "-", given=json.dumps(after | {"endpoint": after["endpoint"] | {"credential": ""}}))


@pytest.mark.usefixtures("imported")
def test_a_key_opens_the_models_of_its_provider_by_name_and_never_by_value(running):
    secret = "sk-this-is-a-secret"
    found = auto(running, ANTHROPIC_API_KEY=secret, OPENAI_API_KEY=secret)
    assert found["OPENAI_API_KEY"]["updated_count"] > 50
    assert found["ANTHROPIC_API_KEY"]["updated_count"] > 10
    assert running.data("get", GPT_AT_OPENAI)["endpoint"]["credential"] == "OPENAI_API_KEY"
    assert "gpt-4o" in running.data("get", GPT)["model"]["aliases"]
    assert running.data("status")["planes"][0]["counts"]["invocable"] > 60
    everything = running.run("list", "models/-/endpoints", "--limit", "0", "-o", "json").stdout
    assert secret not in everything
    before = revision(running)
    again = auto(running, ANTHROPIC_API_KEY=secret, OPENAI_API_KEY=secret)
    assert again["OPENAI_API_KEY"]["unchanged_count"] == found["OPENAI_API_KEY"]["updated_count"]
    assert revision(running) == before


@pytest.mark.usefixtures("imported")
def test_keys_outlive_an_import(running):
    auto(running, OPENAI_API_KEY="x")
    assert running.data("import", "genai-prices")["updated_count"] == 0
    assert running.data("get", GPT_AT_OPENAI)["endpoint"]["credential"] == "OPENAI_API_KEY"


def test_without_keys_or_files_it_says_what_it_looked_for(running):
    result = running.run("auto-register", "--ollama", "http://127.0.0.1:1")
    assert result.exit_code == 0
    assert "keys: nothing" in result.stdout
    assert "none of OPENAI_API_KEY, ANTHROPIC_API_KEY, HUGGINGFACE_API_TOKEN is set" in result.stderr
    assert "model-config.json: nothing" in result.stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("model-config.json", '{"name": "models/from-json", "model": {"family": "f"}}', id="json"),
        pytest.param("model-config.yaml", "name: models/from-yaml\nmodel: {family: f}\n", id="yaml"),
    ],
)
def test_a_model_config_in_this_folder_is_found(running, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert auto(running)[name]["created_count"] == 1


def test_a_mistake_in_a_model_config_is_told_with_its_line(running, tmp_path):
    (tmp_path / "model-config.yaml").write_text("name: models/m\nmodel:\n  famly: f\n")
    result = running.run("auto-register", "--ollama", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "famly: is not a field; did you mean family? (model-config.yaml, line 3)" in result.stderr


def test_an_ollama_gives_its_models(running):
    url = running.providers["ollama"]
    source = f"Ollama at {url}"
    assert auto(running, "--ollama", url)[source]["created_count"] == 2
    endpoint = running.data("get", "models/llama3-8b/endpoints/ollama")["endpoint"]
    assert endpoint["address"] == url
    assert endpoint["communication"] == {"dialect": "ollama.chat", "auth": {"method": "none"}}
    assert auto(running, "--ollama", url)[source]["unchanged_count"] == 2


@pytest.mark.parametrize(
    ("where", "said"),
    [
        pytest.param("http://127.0.0.1:1", "does not answer", id="nobody"),
        pytest.param("broken", "is something else: it answers 500", id="an-error"),
        pytest.param("endless", "is something else: it answers more than", id="too-much"),
    ],
)
def test_an_ollama_that_is_none_is_a_note_and_no_error(running, where, said):
    url = running.providers.get(where, where)
    found = auto(running, "--ollama", url)[f"Ollama at {url}"]
    assert found["notes"][0].startswith(said)
    assert found["created_count"] == 0


@pytest.mark.usefixtures("imported")
def test_a_dry_run_says_what_it_would_do_and_changes_nothing(running, tmp_path):
    (tmp_path / "model-config.yaml").write_text("name: models/dry\nmodel: {family: f}\n")
    running.run("deregister", "models/llama3-8b", "--missing-ok")
    before = revision(running)
    result = running.run(
        "auto-register", "--dry-run", "--ollama", running.providers["ollama"], HUGGINGFACE_API_TOKEN="x"
    )
    assert "model-config.yaml: 1 would be created" in result.stdout
    assert f"Ollama at {running.providers['ollama']}: 2 would be created" in result.stdout
    assert re.search(r"HUGGINGFACE_API_TOKEN: \d+ would be updated", result.stdout)
    assert revision(running) == before
