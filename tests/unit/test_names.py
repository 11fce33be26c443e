import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.errors import InvalidArgumentError
from airegistry.resources.names import Collection, ResourceName, parse_collection, parse_name, slug, valid_id
from airegistry.resources.resource import ResourceKind

MODEL, ENDPOINT, AGENT, ROUTE = ResourceKind
IDS = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        pytest.param("models/gpt-4o", ResourceName(MODEL, "gpt-4o"), id="model"),
        pytest.param("models/a/endpoints/b.c", ResourceName(ENDPOINT, "b.c", "models/a"), id="endpoint"),
        pytest.param("agents/writer_1", ResourceName(AGENT, "writer_1"), id="agent"),
        pytest.param("routes/7", ResourceName(ROUTE, "7"), id="route"),
    ],
)
def test_a_name_is_taken_apart(name, parsed):
    assert parse_name(name) == parsed


@pytest.mark.parametrize(
    "name",
    [
        "",
        "models",
        "models/",
        "gpt-4o",
        "tools/a",
        "models/a/endpoints",
        "models/a/endpoints/",
        "models/-/endpoints/b",
        "models/a/b/c",
        "agents/a/endpoints/b",
        "/models/a",
        "models/a/",
        "models/a\n",
        "models/A",
        "models/-a",
        "models/a.",
        "models/ä",
        "models/a b",
        "models/" + "a" * 129,
    ],
)
def test_what_is_not_a_name_is_refused_and_the_field_is_named(name):
    with pytest.raises(InvalidArgumentError) as caught:
        parse_name(name, field="resources[1].name")
    (violation,) = caught.value.violations
    assert violation.field == "resources[1].name"
    assert len(violation.description) < 400


def test_a_huge_name_is_not_repeated():
    with pytest.raises(InvalidArgumentError) as caught:
        parse_name("models/" + "x" * 1_000_000)
    assert len(str(caught.value)) < 400


@given(IDS)
def test_every_id_by_the_rule_is_valid(text):
    assert valid_id(text)


@given(st.text())
def test_a_slug_is_an_id_or_empty_and_is_its_own_slug(text):
    made = slug(text)
    assert made == "" or valid_id(made)
    assert slug(made) == made


@pytest.mark.parametrize(
    ("original", "made"),
    [
        pytest.param("meta-llama/Llama-3.1-8B", "meta-llama-llama-3.1-8b", id="hugging-face"),
        pytest.param("llama3:8b", "llama3-8b", id="ollama"),
        pytest.param("@cf/meta/x", "cf-meta-x", id="leading"),
        pytest.param("///", "", id="nothing-left"),
        pytest.param("a" * 127 + "/b", "a" * 127, id="cut-at-the-limit"),
    ],
)
def test_slugs_of_real_ids(original, made):
    assert slug(original) == made


@pytest.mark.parametrize(
    ("collection", "listed"),
    [
        pytest.param("models", Collection(MODEL, "models/"), id="models"),
        pytest.param("models/-/endpoints", Collection(ENDPOINT, "models/"), id="all-endpoints"),
        pytest.param("models/a/endpoints", Collection(ENDPOINT, "models/a/endpoints/"), id="endpoints"),
        pytest.param("agents", Collection(AGENT, "agents/"), id="agents"),
        pytest.param("agents/a/models", Collection(MODEL, "models/", "agents/a"), id="models-of-an-agent"),
        pytest.param("routes", Collection(ROUTE, "routes/"), id="routes"),
    ],
)
def test_a_collection_is_a_kind_and_a_prefix_or_what_an_agent_names(collection, listed):
    assert parse_collection(collection) == listed


@pytest.mark.parametrize(
    "collection", ["", "things", "models/", "models/A/endpoints", "models/a", "agents/-/endpoints", "agents/-/models"]
)
def test_what_is_not_a_collection_is_refused(collection):
    with pytest.raises(InvalidArgumentError):
        parse_collection(collection)
