"""`models compare` against real servers: what is beside what, what differs, and what is not known."""

import json
from datetime import UTC, datetime

import pytest

from airegistry.cli.facts import Fact
from airegistry.manifests import plain
from airegistry.resources.endpoint import Communication, DataPolicy, DeclaredPerformance
from airegistry.resources.model import Capability, Lifecycle, LifecycleStage, Modality, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule, PriceTier
from airegistry.resources.resource import Resource
from airegistry.resources.route import Route, RouteTarget, RouteTier
from tests.catalogs import endpoint, model
from tests.command_line import servers

NOWHERE = "http://127.0.0.1:1/v1"
DOLLAR = 10**9
CHAT = ("text-generation",)
ROUTE = Route(tiers=(RouteTier(targets=(RouteTarget(model="models/known"),)),))


def costing(**prices):
    held = (Price(PriceBucket[bucket.upper()], nanos) for bucket, nanos in prices.items())
    return PriceList((PriceSchedule(tuple(held)),))


def catalog():
    tiered = Price(PriceBucket.INPUT_TOKENS, 3 * DOLLAR, (PriceTier(200_000, 6 * DOLLAR),))
    prices = (tiered, Price(PriceBucket.OUTPUT_TOKENS, 15 * DOLLAR), Price(PriceBucket.CACHE_READ_TOKENS, 0))
    return [
        model(
            "known",
            tasks=CHAT,
            original_ids=("Vendor/Known-1",),
            aliases=("well",),
            limits=ModelLimits(context_tokens=200_000),
            input_modalities=(Modality.TEXT, Modality.IMAGE),
            capabilities={"tools": Capability(True), "reasoning": Capability(level=2)},
            lifecycle=Lifecycle(LifecycleStage.ACTIVE, deprecate_time=datetime(2020, 1, 1, tzinfo=UTC)),
        ),
        endpoint(
            "here",
            NOWHERE,
            model="known",
            prices=PriceList((PriceSchedule(prices),)),
            limits=ModelLimits(context_tokens=100_000),
            declared=DeclaredPerformance(time_to_first_token=0.25, reliability=0.99),
            data_policy=DataPolicy(trains_on_data=False, retention=0.0),
        ),
        endpoint(
            "locked", NOWHERE, model="known", communication=Communication(dialect="openai.chat"), prices=costing()
        ),
        model("bare"),
        endpoint("there", NOWHERE, model="bare", prices=costing(input_tokens=3 * DOLLAR, requests=DOLLAR)),
        model("orphan", tasks=CHAT, limits=ModelLimits(context_tokens=8_192)),
        model("twin-a", original_ids=("twin",)),
        endpoint("t", NOWHERE, model="twin-a"),
        model("twin-b", original_ids=("twin",)),
        endpoint("t", NOWHERE, model="twin-b"),
        endpoint("idle", NOWHERE, model="twin-b", weight=0),
        Resource(name="routes/support", route=ROUTE),
    ]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with servers(tmp_path_factory.mktemp("data")) as running:
        running.data("register", "-f", "-", given=json.dumps([plain(resource) for resource in catalog()]))
        yield running


def compared(running, *arguments):
    """The facts by name, each as its values and whether they differ."""
    facts = running.data("models", "compare", *arguments)["facts"]
    return {(fact["group"].partition(",")[0], fact["name"]): (fact["values"], fact["differs"]) for fact in facts}


def test_prices_stand_by_bucket_with_their_tiers_and_units(running):
    facts = compared(running, "known", "bare")
    assert facts["prices", "input tokens, $ / M"] == (["3.00; 6.00 above 200,000", "3.00"], True)
    assert facts["prices", "requests, $ / 1,000"] == ([None, "1.00"], None)
    # Free is known, and unknown is not free.
    assert facts["prices", "cache read tokens, $ / M"] == (["0.00", None], None)
    assert facts["cost", "a million tokens, 3 in to 1 out, $"] == (["8.25", None], None)
    facts = compared(running, "known", "bare", "--usage", "1k:0")
    assert facts["cost", "1,000 in, 0 out, $"] == (["0.003", "0.003"], False)


def test_an_endpoint_s_own_facts_come_before_its_model_s(running):
    facts = compared(running, "known", "bare")
    assert facts["limits", "context tokens"] == ([100_000, None], None)
    assert facts["modalities", "takes"] == ([["text", "image"], None], None)
    assert facts["capabilities", "tools"] == ([True, None], None)
    assert facts["capabilities", "reasoning"] == ([2, None], None)
    assert facts["data", "trains on data"] == ([False, None], None)
    assert facts["data", "keeps data"] == (["not at all", None], None)
    assert facts["life", "stage"] == (["deprecated", None], None)
    assert facts["performance", "first token, s, declared"] == ([0.25, None], None)
    assert facts["performance", "reliability, declared"] == ([0.99, None], None)
    assert facts["performance", "reliability, measured"] == ([None, None], None)


def test_the_score_is_that_of_discover_under_the_preference(running):
    for preference in ("cheapest", "fastest"):
        found = running.data("discover", "--prefer", preference, "--model", "bare")["candidates"]
        values, differs = compared(running, "known", "bare", "--prefer", preference)["score", "total"]
        assert values[1] == pytest.approx(found[0]["score"]["total"], abs=1e-9)
        assert differs is True


def test_a_model_is_seen_through_who_a_call_would_reach(running):
    data = running.data("models", "compare", "known", "bare")
    assert data["compared"] == [
        {"name": "known", "model": "models/known", "endpoint": "models/known/endpoints/here", "other_endpoints": 1},
        {"name": "bare", "model": "models/bare", "endpoint": "models/bare/endpoints/there", "other_endpoints": 0},
    ]
    result = running.run("models", "compare", "known", "bare")
    assert "known has 1 more endpoint than models/known/endpoints/here" in result.stderr


@pytest.mark.parametrize("name", ["known", "well", "Vendor/Known-1", "here/Vendor/Known-1", "models/known"])
def test_models_are_called_by_every_name_they_have(running, name):
    assert running.data("models", "compare", name, "bare")["compared"][0]["model"] == "models/known"


def test_an_endpoint_may_be_named_and_two_of_one_model_compared(running):
    names = ["models/known/endpoints/here", "models/known/endpoints/locked"]
    data = running.data("models", "compare", *names)
    assert [each["endpoint"] for each in data["compared"]] == names
    facts = {fact["name"]: fact["values"] for fact in data["facts"]}
    assert facts["can be invoked"] == [True, False]
    assert facts["credential"] == ["not needed", "none"]


def test_who_is_not_ranked_is_compared_all_the_same(running):
    facts = compared(running, "orphan", "models/twin-b/endpoints/idle")
    assert facts["limits", "context tokens"] == ([8_192, None], None)
    assert facts["score", "total"] == ([None, None], None)
    assert "models/orphan (nobody serves it)" in running.run("models", "compare", "orphan", "bare").stdout


def test_the_table_marks_what_differs_and_shows_unknown_as_unknown(running):
    result = running.run("models", "compare", "known", "bare", "models/twin-a/endpoints/t")
    assert result.exit_code == 0
    lines = {line[:40].strip(" ≠?"): line for line in result.stdout.splitlines()}
    first = next(line for name, line in lines.items() if name.startswith("provider"))
    assert first.startswith(" ≠")
    priced = next(line for line in result.stdout.splitlines() if "output tokens, $ / M" in line)
    assert priced.split()[0] == "?"
    assert priced.split()[-3:] == ["15.00", "?", "?"]
    assert "0.00" not in priced


def test_only_differences_leaves_out_what_is_the_same(running):
    everything, some = (compared(running, "known", "orphan", *more) for more in ([], ["--differences"]))
    assert everything["who", "tasks"] == ([["text-generation"], ["text-generation"]], False)
    same = {key for key, (_, differs) in everything.items() if differs is False}
    unknown = {key for key, (values, _) in everything.items() if set(map(str, values)) == {"None"}}
    assert unknown
    assert set(everything) - set(some) == same | unknown


@pytest.mark.parametrize(
    ("names", "code", "said"),
    [
        pytest.param(["known", "knwon"], 1, "no model is called knwon; did you mean known", id="typo"),
        pytest.param(["knwon", "brae"], 1, "no model is called brae; did you mean bare", id="two-typos"),
        pytest.param(["known", "Vendor/Known-2"], 1, "did you mean Vendor/Known-1", id="original-id"),
        pytest.param(["known", "zzzzzz"], 1, "no model is called zzzzzz\n", id="nothing-near"),
        pytest.param(["known", "routes/support"], 1, "no model is called routes/support", id="route"),
        pytest.param(
            ["known", "models/known/endpoints/x"], 1, "models/known has models/known/endpoints/here", id="endpoint"
        ),
        pytest.param(["known", "twin"], 1, "twin is models/twin-a, models/twin-b: write one of them", id="ambiguous"),
        pytest.param(["known"], 2, "name two to 20", id="one"),
        pytest.param(["known", "known"], 2, "named twice", id="twice"),
        pytest.param(["known", "bare", "--usage", "many"], 2, "'--usage'", id="usage"),
    ],
)
def test_a_name_that_means_nothing_is_an_error_that_helps(running, names, code, said):
    result = running.run("models", "compare", *names, COLUMNS="200")
    assert result.exit_code == code
    assert said in result.stderr


@pytest.mark.parametrize(
    ("values", "differs"),
    [((1, 1), False), ((1, 2), True), ((1, None), None), ((None, None), None), ((1, None, 2), True), ((0, None), None)],
    ids=str,
)
def test_unknown_neither_differs_nor_is_the_same(values, differs):
    assert Fact("group", "name", values).differs is differs
