import pytest

from airegistry.discovery.naming import NameTable
from airegistry.resources.agent import Agent
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Lifecycle, LifecycleStage, Model
from airegistry.resources.resource import Resource
from airegistry.resources.route import Route


def model(id_, **facts):
    return Resource(name=f"models/{id_}", model=Model(**facts))


def endpoint(model_id, provider, id_="e"):
    return Resource(name=f"models/{model_id}/endpoints/{id_}", endpoint=Endpoint(provider=provider))


def route(id_, *aliases):
    return Resource(name=f"routes/{id_}", route=Route(aliases=aliases))


def table(*resources):
    names = NameTable()
    names.replace(resources)
    return names


def test_a_full_name_is_itself():
    names = table(model("m"), endpoint("m", "p"), route("r"), Resource(name="agents/a", agent=Agent()))
    for name in ("models/m", "models/m/endpoints/e", "routes/r", "agents/a"):
        assert names.resolve(name) == (name,)


def test_the_first_step_that_matches_decides():
    steps = [
        route("x"),
        model("by-alias", aliases=("x",)),
        model("x"),
        model("by-original", original_ids=("x",)),
        model("by-provider", publisher="p", original_ids=("y",)),
    ]
    names = table(*steps)
    for step in steps[:4]:
        assert names.resolve("x") == (step.name,)
        names.apply((), [step.name])
    assert names.resolve("x") == ()
    assert names.resolve("p/y") == ("models/by-provider",)


def test_a_route_answers_to_its_id_and_its_aliases():
    names = table(route("fast", "quick", "fast"))
    assert names.resolve("fast") == names.resolve("quick") == ("routes/fast",)


def test_an_id_is_not_a_name_of_an_endpoint():
    assert table(endpoint("m", "p")).resolve("e") == ()


def test_an_agent_answers_to_its_id_where_nothing_else_does():
    agents = [Resource(name=f"agents/{id_}", agent=Agent()) for id_ in ("a", "m", "r", "o")]
    names = table(*agents, model("m", original_ids=("o",)), route("r"))
    found = [names.resolve(text) for text in ("a", "m", "r", "o", "agents/m")]
    assert found == [("agents/a",), ("models/m",), ("routes/r",), ("models/m",), ("agents/m",)]
    names.apply((), ("agents/a",))
    assert names.resolve("a") == ()


def test_an_original_id_that_looks_like_a_full_name_resolves_when_nothing_has_that_name():
    assert table(model("g", original_ids=("models/gemini-x",))).resolve("models/gemini-x") == ("models/g",)


def test_several_matches_of_one_step_are_all_listed_by_name():
    names = table(model("b", original_ids=("o",)), model("a", original_ids=("o",)))
    assert names.resolve("o") == ("models/a", "models/b")


def test_models_of_several_providers_share_an_original_id_and_are_told_apart_by_provider():
    names = table(
        model("azure-gpt", publisher="openai", original_ids=("gpt",)),
        endpoint("azure-gpt", "azure"),
        model("router-gpt", publisher="openai", original_ids=("gpt",)),
        endpoint("router-gpt", "router"),
    )
    assert names.resolve("gpt") == ("models/azure-gpt", "models/router-gpt")
    assert names.resolve("azure/gpt") == ("models/azure-gpt",)
    assert names.resolve("router/gpt") == ("models/router-gpt",)
    assert names.resolve("openai/gpt") == ("models/azure-gpt", "models/router-gpt")


def test_a_provider_counts_as_long_as_one_of_its_endpoints_is_there():
    names = table(endpoint("m", "p", "e1"), endpoint("m", "p", "e2"), model("m", original_ids=("o",)))
    names.apply((), ["models/m/endpoints/e1"])
    assert names.resolve("p/o") == ("models/m",)
    names.apply([endpoint("m", "q", "e2")], ())
    assert names.resolve("p/o") == ()
    assert names.resolve("q/o") == ("models/m",)
    names.apply((), ["models/m/endpoints/e2"])
    assert names.resolve("q/o") == ()


def family(id_, version, stage=None, family="f", **facts):
    return model(id_, family=family, version=version, lifecycle=Lifecycle(stage), **facts)


def test_a_version_of_a_family_has_a_name():
    names = table(
        family("one", "1"), family("two", "2"), family("two-by-another", "2"), family("other", "1", family="g")
    )
    assert names.resolve("f@1") == ("models/one",)
    assert names.resolve("f@2") == ("models/two", "models/two-by-another")
    assert names.resolve("f@3") == ()


@pytest.mark.parametrize(
    ("versions", "latest"),
    [
        pytest.param(["1.9", "1.10"], "1.10", id="numbers"),
        pytest.param(["2024-08-06", "2024-11-20"], "2024-11-20", id="dates"),
        pytest.param(["2", "2-beta", "2-rc1"], "2", id="words-before-none"),
        pytest.param(["1", "1.0.1"], "1.0.1", id="more-parts"),
        pytest.param(["v1", "v2"], "v2", id="prefixed"),
        pytest.param(["9" * 5_000, "1" + "0" * 5_000], "1" + "0" * 5_000, id="huge"),
    ],
)
def test_the_latest_of_a_family_is_its_newest_version(versions, latest):
    for order in (versions, versions[::-1]):
        names = table(*(family(f"m{i}", version) for i, version in enumerate(order)))
        assert names.resolve("f@latest") == (f"models/m{order.index(latest)}",)


def test_previews_and_what_is_going_are_not_the_latest():
    stages = (LifecycleStage.PREVIEW, LifecycleStage.DEPRECATED, LifecycleStage.RETIRED)
    names = table(family("used", "1"), *(family(stage.name.lower(), "2", stage) for stage in stages))
    assert names.resolve("f@latest") == ("models/used",)
    assert names.resolve("g@latest") == ()
    assert names.resolve("@latest") == ()


def test_the_latest_follows_what_comes_and_goes():
    names = table(family("one", "1"))
    names.apply([family("two", "2")], ())
    assert names.resolve("f@latest") == ("models/two",)
    names.apply([family("two", "2", LifecycleStage.RETIRED)], ())
    assert names.resolve("f@latest") == ("models/one",)
    names.apply([], ["models/one", "models/two"])
    assert names.resolve("f@latest") == ()
    assert names._families == {}


def test_a_changed_model_answers_to_its_new_names_only():
    names = table(model("m", aliases=("old",), original_ids=("Old",)))
    names.apply([model("m", aliases=("new",), original_ids=("New",))], ())
    assert names.resolve("old") == names.resolve("Old") == ()
    assert names.resolve("new") == names.resolve("New") == ("models/m",)


def test_repeats_and_removals_of_what_is_not_there_are_harmless():
    names = table(model("m", aliases=("a",)))
    names.apply([model("m", aliases=("a",))], ["models/none", "models/none/endpoints/e", "routes/none"])
    assert names.resolve("a") == ("models/m",)


def test_replace_forgets_what_was_there():
    names = table(model("m"), endpoint("m", "p"))
    names.replace([model("n", original_ids=("o",))])
    assert names.resolve("m") == names.resolve("models/m/endpoints/e") == ()
    names.apply([model("m", original_ids=("o2",))], ())
    assert names.resolve("p/o2") == ()


def test_a_resource_of_an_unknown_kind_is_skipped():
    assert table(Resource(name="things/t")).resolve("things/t") == ()


def test_nothing_is_kept_of_what_is_gone():
    names = table(model("m", original_ids=("o",)), endpoint("m", "p"), endpoint("orphaned", "p"))
    names.apply((), ["models/m/endpoints/e", "models/m", "models/orphaned/endpoints/e", "models/x/endpoints/e"])
    assert not any((*names._steps, names._keys, names._models, names._providers))
