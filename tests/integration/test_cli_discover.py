"""`discover` and `status` against real servers."""

import inspect
import json
import re
from dataclasses import fields

import pytest

from airegistry.cli.commands.discover import discover
from airegistry.manifests import plain
from airegistry.resources.endpoint import Communication, DataPolicy, DeclaredPerformance
from airegistry.resources.model import Capability, Lifecycle, LifecycleStage, Modality, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.requirements import Requirements
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
        model("cheap", tasks=task, limits=ModelLimits(context_tokens=8_192), input_modalities=(Modality.TEXT,)),
        endpoint(
            "a",
            NOWHERE,
            model="cheap",
            prices=costing(100_000_000),
            region="eu",
            quantization="int8",
            data_policy=DataPolicy(trains_on_data=False, retention=3600.0),
        ),
        model(
            "large",
            tasks=task,
            family="big",
            version="2",
            limits=ModelLimits(context_tokens=200_000, max_output_tokens=64_000),
            capabilities={"tools": Capability(True)},
            input_modalities=(Modality.TEXT, Modality.IMAGE),
            output_modalities=(Modality.TEXT,),
            lifecycle=Lifecycle(LifecycleStage.PREVIEW),
        ),
        endpoint(
            "b",
            NOWHERE,
            model="large",
            prices=costing(5_000_000_000),
            declared=DeclaredPerformance(time_to_first_token=0.2, tokens_per_second=50.0, reliability=0.99),
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
        pytest.param(["--takes", "image"], [LARGE], id="takes"),
        pytest.param(["--gives", "text"], [LARGE], id="gives"),
        pytest.param(["--min-output", "32k"], [LARGE], id="output"),
        pytest.param(["--min-context", "0.1M"], [LARGE], id="context-in-millions"),
        pytest.param(["--max-price", "0.0000001/token"], [CHEAP], id="price-per-token"),
        pytest.param(["--max-price", "0.000099/k"], [], id="price-per-thousand"),
        pytest.param(["--max-cost", "0.001", "--usage", "9k:1k"], [CHEAP], id="cost-of-a-mix"),
        pytest.param(["--max-cost", "0.000999999", "--usage", "9k:1k"], [], id="a-nano-less"),
        pytest.param(["--max-duration", "3s", "--usage", "1k:100"], [LARGE], id="duration"),
        pytest.param(["--max-duration", "2s", "--usage", "1k:100"], [], id="too-long"),
        pytest.param(["--min-speed", "40"], [LARGE], id="speed"),
        pytest.param(["--min-reliability", "0.9"], [LARGE], id="reliability"),
        pytest.param(["--any-capability", "tools"], [LARGE], id="any-capability"),
        pytest.param(["--not-provider", "a"], [LARGE], id="not-provider"),
        pytest.param(["--family", "big"], [LARGE], id="family"),
        pytest.param(["--model-version", "2"], [LARGE], id="version"),
        pytest.param(["--quantization", "int8"], [CHEAP], id="quantization"),
        pytest.param(["--dialect", "ollama.chat"], [], id="dialect"),
        pytest.param(["--no-training"], [CHEAP], id="no-training"),
        pytest.param(["--max-retention", "1h"], [CHEAP], id="retention"),
        pytest.param(["--max-retention", "59m"], [], id="shorter-retention"),
        pytest.param(["--stage", "preview"], [LARGE], id="stage"),
        pytest.param(["--health", "serving"], [], id="health"),
        pytest.param(
            ["--health", "serving", "--allow-unknown", "health", "--family", "big"], [LARGE], id="unknown-health"
        ),
        pytest.param(
            ["--max-latency", "0.5", "--allow-unknown", "max-latency", "--region", "eu"], [CHEAP], id="unknown"
        ),
        pytest.param(["--weight", "cost=1", "--limit", "1"], [CHEAP], id="weight"),
        pytest.param(["--weight", "latency=1", "--limit", "1"], [LARGE], id="other-weight"),
    ],
)
def test_each_option_is_a_filter(running, options, names):
    assert found(running, *options) == names


def test_every_requirement_has_an_option():
    """Each is spelled in the command, beside those that `--filter` and others cover."""
    source = inspect.getsource(discover)
    assert [
        field.name for field in fields(Requirements) if f" {field.name}=" not in source and field.name != "task"
    ] == []


def test_the_command_of_the_page_says_why_nobody_is_left(running):
    line = "--task chat --min-context 1M --max-price 2 --prefer cheapest --explain"
    result = running.run("discover", *line.split())
    assert result.exit_code == 0
    assert "3 excluded: 3 context" in result.stderr
    assert "--allow-unknown" in result.stderr


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
    cost, score, *values = [float(number) for number in re.findall(r"\d\.\d+", row)]
    assert cost == 0.1
    assert len(values) == len(weights) == 6
    assert sum(value * weight for value, weight in zip(values, weights, strict=True)) == pytest.approx(score, abs=0.002)
    assert "2 excluded: 2 price" in result.stderr
    assert f"price: {CLOSED}, {LARGE}" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--max-price", "cheap"], "must be an amount of US dollars", id="price"),
        pytest.param(["--max-price", "-1"], "must not be negative", id="negative-price"),
        pytest.param(["--max-latency", "soon"], "'--max-latency'", id="option-is-named"),
        pytest.param(["--weight", "cost=1", "--prefer", "fastest"], "give one of them", id="weight-and-preference"),
        pytest.param(["--weight", "taste=1"], "'taste' is not one of cost", id="weight"),
        pytest.param(["--takes", "smells"], "is not one of text, image", id="takes"),
        pytest.param(["--stage", "dead"], "is not one of preview", id="stage"),
        pytest.param(["--usage", "20k"], "is not INPUT:OUTPUT", id="usage"),
        pytest.param(["--allow-unknown", "max-latncy"], "is no option that an unknown", id="allow-unknown"),
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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--filter", "model.famly == 1"], "--filter: line 1, column 6: Model has no field", id="filter"),
        pytest.param(
            ["-c", "toolz"], "--capability[0]: nothing here has 'toolz'; did you mean 'tools'", id="capability"
        ),
        pytest.param(
            ["--region", "eu", "--not-provider", "a", "--provider", "a"],
            "--not-provider: contradicts",
            id="contradiction",
        ),
        pytest.param(["--task", "chat", "--task", "chatt"], "--task: nothing here has 'chatt'", id="one-of-several"),
    ],
)
def test_what_the_registry_refuses_names_the_option(running, options, said):
    result = running.run("discover", *options)
    assert result.exit_code == 1
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
