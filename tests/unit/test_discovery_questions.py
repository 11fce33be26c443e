"""Twenty questions about the real catalogs: Discover, the page and the rows of the sources agree."""

from importlib.metadata import version

import pytest

from airegistry.discovery.index import Index
from airegistry.importers.genai_prices import read_catalog
from airegistry.importers.litellm.catalog import read_path, to_catalog
from airegistry.resources.model import Capability, LifecycleStage, Modality
from airegistry.resources.prices import PriceBucket
from airegistry.resources.pricing import in_force, nanos_for
from airegistry.resources.requirements import CredentialRequirement, DiscoverQuery, Requirements
from tests import catalog_questions, litellm_map, real_catalogs
from tests.catalog_questions import PAGE, SHOWN, questions
from tests.catalog_rows import AT, Row, rows

BUCKETS = {
    "input": PriceBucket.INPUT_TOKENS,
    "output": PriceBucket.OUTPUT_TOKENS,
    "cache_read": PriceBucket.CACHE_READ_TOKENS,
}
QUESTIONS = questions()


@pytest.fixture(scope="module")
def registered():
    """Every endpoint and its model, by provider, upstream id and region."""
    models = {r.name: r.model for r in real_catalogs.resources() if r.model}
    return {
        place(r.endpoint): (r.endpoint, models[r.name.split("/endpoints/")[0]])
        for r in real_catalogs.resources()
        if r.endpoint
    }


@pytest.fixture(scope="module")
def index():
    made = Index(lambda: AT)
    made.replace(real_catalogs.resources(), 1)
    return made


@pytest.fixture(scope="module")
def endpoints():
    return {r.name: r.endpoint for r in real_catalogs.resources() if r.endpoint}


def place(endpoint):
    return endpoint.provider, endpoint.upstream_model, endpoint.region


def of(row: Row):
    return row.provider, row.id, row.region


def test_every_row_of_the_sources_is_registered(registered):
    assert {of(row) for row in rows()} - registered.keys() == set()
    assert len(rows()) > 6_000


def test_every_row_costs_in_the_registry_what_its_source_says_at_every_size_of_call(registered):
    wrong = []
    for row in rows():
        endpoint, _ = registered[of(row)]
        held = in_force(endpoint.prices, AT) if endpoint.prices else {}
        for tokens in (1_000, 150_000, 250_000, 750_000):
            told = {kind: round(price * 10**9) for kind, price in row.prices(AT, tokens).items()}
            ours = {kind: nanos_for(held[bucket], tokens) for kind, bucket in BUCKETS.items() if bucket in held}
            known = {kind: nanos for kind, nanos in ours.items() if nanos is not None}
            wrong += [(of(row), tokens, told, known)] if told != known else []
    assert wrong == []


def test_every_row_holds_sees_reasons_and_writes_code_in_the_registry_as_its_source_says(registered):
    wrong = []
    for row in rows():
        endpoint, model = registered[of(row)]
        can = {name for name, said in {**model.capabilities, **endpoint.capabilities}.items() if supported(said)}
        limits = [spec.limits.context_tokens for spec in (endpoint, model) if spec.limits]
        ours = (
            next((limit for limit in limits if limit is not None), 0),
            Modality.IMAGE in model.input_modalities,
            "reasoning" in can,
            "code" in can,
            "text-generation" in model.tasks,
        )
        told = (row.context, row.sees, row.reasons, row.writes_code, row.generates)
        wrong += [(of(row), told, ours)] if told != ours else []
    assert wrong == []


def supported(said: Capability) -> bool:
    return bool(said.supported or said.level)


@pytest.mark.parametrize(
    ("task", "means"),
    [
        pytest.param("text-generation", lambda row: row.generates, id="text-generation"),
        pytest.param("summarization", lambda row: row.generates, id="summarization"),
        pytest.param("translation", lambda row: row.generates, id="translation"),
        pytest.param("code-generation", lambda row: row.writes_code, id="code-generation"),
        pytest.param("reasoning", lambda row: row.generates and row.reasons, id="reasoning"),
        pytest.param("vision", lambda row: (row.generates and row.sees) or row.mode == "ocr", id="vision"),
        pytest.param("image-generation", lambda row: row.mode in {"image_generation", "image_edit"}, id="images"),
    ],
)
def test_what_people_call_a_task_finds_what_they_mean(index, endpoints, task, means):
    anywhere = Requirements(task=task, credential=CredentialRequirement.ANY, lifecycle_stages=tuple(LifecycleStage))
    answer = index.discover(DiscoverQuery(requirements=anywhere), limit=10_000)
    found = {place(endpoints[candidate.name]) for candidate in answer.candidates}
    meant = {of(row) for row in rows() if means(row)}
    assert len(meant) > 100
    # A few image models are listed by the sizes of their images only; they are in no plain row.
    assert (meant - found, found - meant - (found - {of(row) for row in rows()})) == (set(), set())


def test_a_task_finds_somebody_in_each_catalog_by_itself():
    for catalog in (read_catalog(), to_catalog(read_path(litellm_map.MAP))):
        alone = Index(lambda: AT)
        alone.replace(catalog.resources, 1)
        for task in ("code-generation", "image-generation", "reasoning", "summarization", "translation", "vision"):
            asked = Requirements(task=task, credential=CredentialRequirement.ANY)
            assert alone.discover(DiscoverQuery(requirements=asked)).matched_count, (catalog.source, task)


def test_there_are_twenty_questions_and_each_has_its_answers():
    assert [question.number for question in QUESTIONS] == list(range(1, 21))
    assert all(question.answers and question.count for question in QUESTIONS)


def test_the_page_names_the_versions_that_are_pinned():
    (metadata,) = litellm_map.FOLDER.glob("litellm-*.dist-info")
    pinned = metadata.name.removeprefix("litellm-").removesuffix(".dist-info")
    assert f"genai-prices {version('genai-prices')} first and LiteLLM's map {pinned} after it" in PAGE.read_text()


def test_the_page_says_what_the_rows_of_the_sources_say():
    assert PAGE.read_text() == catalog_questions.page(), "run `python -m tests.catalog_questions`"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.title)
def test_discover_answers_what_the_sources_and_the_page_say(index, endpoints, question):
    answer = index.discover(question.query, limit=SHOWN)
    found = [place(endpoints[candidate.name]) for candidate in answer.candidates]
    expected = catalog_questions.best(question)
    costs = {of(row): cost for row, cost in expected}

    assert answer.matched_count == len(expected) == question.count
    assert set(found) <= costs.keys()
    shown = [catalog_questions.written(costs[each]) for each in found]
    assert shown == [cost for _, _, cost in question.answers]
    # Who costs the same may stand in any order: whoever is cheaper than the last one shown is there.
    last = catalog_questions.standing(question, costs[found[-1]])
    cheaper = {of(row) for row, cost in expected if catalog_questions.standing(question, cost) < last}
    assert cheaper <= set(found)
    assert cheaper <= {(*name.split("/", 1), region) for name, region, _ in question.answers}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.title)
def test_the_cost_that_discover_tells_is_that_of_the_sources(index, endpoints, question):
    costs = {of(row): cost for row, cost in catalog_questions.best(question)}
    for candidate in index.discover(question.query, limit=100).candidates:
        cost = costs[place(endpoints[candidate.name])]
        assert candidate.cost_nanos == (None if cost is None else round(cost * 10**9))
