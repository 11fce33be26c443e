"""`register`, `get`, `list` and `deregister` against a real registry."""

import json
from pathlib import Path

import pytest
import yaml

from tests.command_line import servers

MODEL = """\
name: models/my-llm
labels: {team: search}
model: {display_name: My LLM, tasks: [text-generation], limits: {context_tokens: 8192}}
"""
ENDPOINT = """\
name: models/my-llm/endpoints/local
endpoint:
  provider: local
  upstream_model: llama
  prices: {schedules: [{prices: [{bucket: input_tokens, usd: "0.10"}]}]}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with servers(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture(autouse=True)
def _clean(running):
    yield
    for collection in ("models", "agents", "routes"):
        if names := [resource["name"] for resource in running.data("list", collection, "--limit", "0")]:
            running.run("deregister", *names, "--owner-id", "the-owner-of-it")


def write(folder: Path, text: str, name: str = "my.yaml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_a_file_is_registered_and_read_back(running, tmp_path):
    result = running.run("register", "-f", write(tmp_path, f"{MODEL}---\n{ENDPOINT}"))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("2 created, 0 updated, 0 unchanged, revision ")
    assert running.data("get", "models/my-llm")["model"]["display_name"] == "My LLM"
    (price,) = running.data("get", "models/my-llm/endpoints/local")["endpoint"]["prices"]["schedules"][0]["prices"]
    assert price == {"bucket": "input_tokens", "usd": "0.10"}


def test_what_get_shows_can_be_registered_again_and_changes_nothing(running, tmp_path):
    running.run("register", "-f", write(tmp_path, f"{MODEL}---\n{ENDPOINT}"))
    shown = running.run("get", "models/my-llm/endpoints/local", "-o", "yaml").stdout
    assert running.data("register", "-f", "-", given=shown)["unchanged_count"] == 1


def test_several_files_and_standard_input_make_one_request(running, tmp_path):
    done = running.data("register", "-f", write(tmp_path, MODEL), "-f", "-", given=ENDPOINT)
    assert (done["created_count"], done["updated_count"]) == (2, 0)


def test_a_dry_run_checks_and_changes_nothing(running, tmp_path):
    before = running.data("status")["planes"][0]["revision"]
    result = running.run("register", "--dry-run", "-f", write(tmp_path, MODEL))
    assert "1 would be created" in result.stdout
    assert running.data("status")["planes"][0]["revision"] == before
    assert running.run("get", "models/my-llm").exit_code == 1


def test_create_only_refuses_what_is_there(running, tmp_path):
    file = write(tmp_path, MODEL)
    running.run("register", "-f", file)
    result = running.run("register", "--create-only", "-f", file)
    assert result.exit_code == 1
    assert result.stderr.startswith("ALREADY_EXISTS: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "name: models/m\nmodle: {}\n", "resources[0].modle: is not a field; did you mean model?", id="field"
        ),
        pytest.param("name: models/m\nname: models/n\n", "stands twice", id="duplicate-key"),
        pytest.param("name: models/A b\nmodel: {}\n", "resources[0].name: 'models/A b' is not a resource", id="name"),
        pytest.param(ENDPOINT.replace('"0.10"', '"-0.10"'), "usd: must not be negative", id="negative-price"),
        pytest.param(ENDPOINT.replace('"0.10"', "0.1"), "floating-point", id="float-price"),
        pytest.param(f"{MODEL}  benchmarks: [{{name: x, score: .nan}}]", "", id="nan-in-the-wrong-place"),
        pytest.param(MODEL.replace("search", "s" * 257), "labels[team]: must have at most 256 bytes", id="label"),
        pytest.param("", "holds no resources", id="empty"),
        pytest.param(b"\xff\xfe", "is not UTF-8 text", id="not-text"),
        pytest.param(f"{MODEL}---\n{MODEL}", "models/my-llm: is given twice", id="twice"),
    ],
)
def test_bad_input_is_told_in_a_line_and_nothing_is_registered(running, text, said):
    result = running.run("register", "-f", "-", given=text)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert running.data("list") == []


def test_a_file_that_is_not_there_is_told(running):
    result = running.run("register", "-f", "nowhere.yaml")
    assert (result.exit_code, result.stderr) == (
        1,
        "INVALID_ARGUMENT: nowhere.yaml: cannot be read: no such file or directory\n",
    )


def test_what_the_registry_refuses_is_told_by_the_resources_name(running):
    result = running.run("register", "-f", "-", given=ENDPOINT)
    assert result.exit_code == 1
    assert "models/my-llm" in result.stderr


def test_more_than_one_request_holds_goes_in_batches_with_parents_first(running):
    models = [{"name": f"models/m{i}", "model": {"family": "f"}} for i in range(700)]
    endpoints = [
        {"name": f"models/m{i}/endpoints/e", "endpoint": {"provider": "p", "upstream_model": "u"}} for i in range(700)
    ]
    done = running.data("register", "-f", "-", given=json.dumps(endpoints + models))
    assert done["created_count"] == 1400
    assert len(running.data("list", "models/-/endpoints", "--limit", "0")) == 700


def test_a_resource_beyond_the_limit_is_refused_with_the_limit_and_its_size(running):
    model = {"name": "models/big", "model": {"original_ids": ["x" * 5_000_000]}}
    result = running.run("register", "-f", "-", given=json.dumps(model))
    assert result.exit_code == 1
    assert result.stderr.startswith("REQUEST_TOO_LARGE: models/big: must have at most 262144 bytes")
    assert "has 50000" in result.stderr


def test_a_lease_belongs_to_its_owner(running, tmp_path):
    file = write(tmp_path, MODEL)
    leased = ["register", "-f", file, "--lease-ttl", "1m"]
    assert running.run(*leased, "--owner-id", "the-owner-of-it").exit_code == 0
    assert running.data("get", "models/my-llm")["status"]["lease_ttl"] == 60
    taken = running.run(*leased, "--owner-id", "another-owner")
    assert taken.exit_code == 1
    assert taken.stderr.startswith("OWNED_BY_ANOTHER: ")
    assert "--take-over" in taken.stderr
    assert running.run(*leased, "--owner-id", "another-owner", "--take-over").exit_code == 0
    assert running.run("deregister", "models/my-llm", "--owner-id", "another-owner").exit_code == 0


def test_a_fresh_owner_is_told_so_that_the_lease_is_not_lost(running, tmp_path):
    result = running.run("register", "-f", write(tmp_path, MODEL), "--lease-ttl", "30s")
    owner = result.stderr.split("held by ")[1].split(":")[0]
    assert running.run("deregister", "models/my-llm", "--owner-id", owner).exit_code == 0


def test_a_model_takes_its_endpoints_with_it(running, tmp_path):
    running.run("register", "-f", write(tmp_path, f"{MODEL}---\n{ENDPOINT}"))
    assert running.data("deregister", "models/my-llm")["names"] == ["models/my-llm", "models/my-llm/endpoints/local"]


def test_removing_what_is_not_there_is_an_error_unless_that_is_all_right(running):
    assert running.run("deregister", "models/none").exit_code == 1
    assert running.run("deregister", "models/none", "--missing-ok").exit_code == 0


def test_an_old_etag_is_refused_with_what_to_do(running, tmp_path):
    running.run("register", "-f", write(tmp_path, MODEL))
    result = running.run("deregister", "models/my-llm", "--etag", "old")
    assert result.exit_code == 1
    assert result.stderr.startswith("ETAG_MISMATCH: ")
    assert "get it again" in result.stderr


def test_list_selects_by_label_and_says_what_it_leaves_out(running):
    models = [{"name": f"models/m{i}", "labels": {"parity": str(i % 2)}, "model": {"family": "f"}} for i in range(10)]
    running.run("register", "-f", "-", given=json.dumps(models))
    assert len(running.data("list", "--label", "parity=1")) == 5
    names = [
        each["name"] for each in running.data("list", "--filter", 'labels.parity == "0" && resource.name > "models/m3"')
    ]
    assert names == ["models/m4", "models/m6", "models/m8"]
    refused = running.run("list", "--filter", "model.famly == 1")
    assert refused.exit_code == 1
    assert "filter: line 1, column 6: Model has no field 'famly'; did you mean 'family'?" in refused.stderr
    shown = running.run("list", "models", "--limit", "3")
    assert [line.split()[0] for line in shown.stdout.splitlines() if "models/" in line] == [
        "models/m0",
        "models/m1",
        "models/m2",
    ]
    assert "3 of 10; --limit 0 shows all" in shown.stderr


@pytest.mark.parametrize("collection", ["models", "models/-/endpoints", "agents", "routes"])
def test_every_collection_has_a_table(running, tmp_path, collection):
    agent = "name: agents/a\nagent: {version: '1', skills: [{id: plan, name: Plan}]}\n"
    route = "name: routes/r\nroute: {tiers: [{targets: [{model: models/my-llm}]}]}\n"
    running.run("register", "-f", write(tmp_path, f"{MODEL}---\n{ENDPOINT}---\n{agent}---\n{route}"))
    result = running.run("list", collection)
    assert result.exit_code == 0
    assert f"{collection.split('/')[0]}/" in result.stdout


def test_yaml_is_written_on_request(running, tmp_path):
    running.run("register", "-f", write(tmp_path, MODEL))
    (model,) = yaml.safe_load(running.run("list", "-o", "yaml").stdout)
    assert model["name"] == "models/my-llm"


def test_what_a_stranger_registered_cannot_steer_the_terminal(running):
    model = {"name": "models/evil", "model": {"publisher": "\x1b[2Jnice\u202egpj"}}
    running.run("register", "-f", "-", given=json.dumps(model))
    shown = running.run("list").stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[2Jnice" in shown
