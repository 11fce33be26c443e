"""`discover` and `status` against real servers."""

import json
import re

import pytest

from airegistry.manifests import plain
from airegistry.resources.endpoint import Communication, DeclaredPerformance
from airegistry.resources.model import Capability, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from tests.catalogs import endpoint, model
from tests.command_line import servers

NOWHERE = "http://127.0.0.1:1/v1"


def costing(nanos):
    buckets = (PriceBucket.INPUT_TOKENS, PriceBucket.OUTPUT_TOKENS)
    return PriceList((PriceSchedule(tuple(Price(bucket, nanos) for bucket in buckets)),))


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    task = ("text-generation",)
    resources = [
        model("cheap", tasks=task, limits=ModelLimits(context_tokens=8_192)),
        endpoint("a", NOWHERE, model="cheap", prices=costing(100_000_000), region="eu"),
        model(
            "large", tasks=task, limits=ModelLimits(context_tokens=200_000), capabilities={"tools": Capability(True)}
        ),
        endpoint(
            "b",
            NOWHERE,
            model="large",
            prices=costing(5_000_000_000),
            declared=DeclaredPerformance(time_to_first_token=0.2),
        ),
        model("closed", tasks=task),
        endpoint("c", NOWHERE, model="closed", communication=Communication(dialect="openai.chat")),
    ]
    with servers(tmp_path_factory.mktemp("data")) as running:
        running.data("register", "-f", "-", given=json.dumps([plain(resource) for resource in resources]))
        running.until_gateway_knows()
        yield running


def found(running, *options):
    return [candidate["resource"]["name"] for candidate in running.data("discover", *options)["candidates"]]


CHEAP, LARGE, CLOSED = "models/cheap/endpoints/a", "models/large/endpoints/b", "models/closed/endpoints/c"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        pytest.param(["--preference", "cheapest"], [CHEAP, LARGE], id="what-can-be-invoked"),
        pytest.param(["--max-price", "1"], [CHEAP], id="price"),
        pytest.param(["--min-context", "128k"], [LARGE], id="context"),
        pytest.param(["--min-input", "100k"], [LARGE], id="prompt"),
        pytest.param(["--filter", "model.limits.context_tokens < 9000"], [CHEAP], id="filter"),
        pytest.param(["--max-latency", "500ms"], [LARGE], id="latency"),
        pytest.param(["--capability", "tools"], [LARGE], id="capability"),
        pytest.param(["--region", "eu"], [CHEAP], id="region"),
        pytest.param(["--provider", "b"], [LARGE], id="provider"),
        pytest.param(["--task", "text-to-image"], [], id="task"),
        pytest.param(["--model", "models/cheap"], [CHEAP], id="model"),
        pytest.param(["--limit", "1", "--preference", "cheapest"], [CHEAP], id="limit"),
    ],
)
def test_each_option_is_a_filter(running, options, names):
    assert found(running, *options) == names


def test_a_list_of_tasks_is_answered_at_once_in_its_order(running):
    answers = running.data("discover", "--task", "text-to-image", "--task", "chat")
    named = [[each["resource"]["name"] for each in answer.get("candidates", ())] for answer in answers]
    assert named == [[], [CHEAP, LARGE]]
    shown = running.run("discover", "--task", "text-to-image", "--task", "chat")
    assert [line for line in shown.stdout.splitlines() if line in ("text-to-image", "chat")] == [
        "text-to-image",
        "chat",
    ]
    assert "other tasks" in shown.stderr


def test_what_has_no_credential_is_found_when_asked_for(running):
    assert set(found(running, "--any-credential")) == {CHEAP, LARGE, CLOSED}


def test_nothing_found_says_who_was_cut_and_what_to_do(running):
    result = running.run("discover", "--model", "models/closed")
    assert result.exit_code == 0
    assert "1 no credential" in result.stderr
    assert "--any-credential" in result.stderr


def test_an_explanation_shows_what_each_part_gave(running):
    result = running.run("discover", "--explain", "--max-price", "1")
    weights = [float(number) for number in re.findall(r"\* (\d\.\d+)", result.stdout)]
    row = next(line for line in result.stdout.splitlines() if CHEAP in line)
    score, *values = [float(number) for number in re.findall(r"\d\.\d+", row)]
    assert len(values) == len(weights) == 6
    assert sum(value * weight for value, weight in zip(values, weights, strict=True)) == pytest.approx(score, abs=0.002)
    assert "2 excluded: 2 price" in result.stderr
    assert f"price: {CLOSED}, {LARGE}" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--max-price", "cheap"], "must be an amount of US dollars", id="price"),
        pytest.param(["--max-price", "-1"], "must not be negative", id="negative-price"),
        pytest.param(["--max-latency", "soon"], "is not a duration", id="latency"),
        pytest.param(["--min-context", "big"], "is not a number", id="context"),
        pytest.param(["--label", "team"], "is not key=value", id="label"),
        pytest.param(["--limit", "0"], "--limit", id="limit"),
        pytest.param(["--preference", "nicest"], "is not one of", id="preference"),
        pytest.param(["--colour"], "No such option", id="unknown-option"),
    ],
)
def test_a_wrong_option_is_exit_code_2_and_asks_nobody(options, said, running):
    result = running.run("discover", *options, "--registry", "127.0.0.1:1", COLUMNS="200")
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_registry_that_is_not_there_is_exit_code_3(running):
    result = running.run("discover", "--registry", "127.0.0.1:1")
    assert result.exit_code == 3
    assert result.stderr.splitlines()[0] == "UNAVAILABLE: no registry answers at 127.0.0.1:1"
    assert "airegistry up" in result.stderr


def test_status_counts_what_is_there_and_what_can_be_invoked(running):
    registry, gateway = running.data("status")["planes"]
    assert registry["counts"] == {"models": 3, "endpoints": 3, "agents": 0, "routes": 0, "invocable": 2}
    assert gateway["revision"] == registry["revision"]
    assert gateway["stale"] is False


def test_status_says_which_plane_is_away(running):
    result = running.run("status", "--gateway", "127.0.0.1:1")
    assert result.exit_code == 3
    assert "not_serving" in result.stdout
    assert "no gateway answers at 127.0.0.1:1" in result.stderr
    assert "3 models" in result.stdout
