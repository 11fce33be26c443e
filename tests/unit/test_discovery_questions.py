"""Twenty questions about the real catalogs: Discover, the page and the rows of the sources agree."""

import pytest

from airegistry.discovery.index import Index
from airegistry.resources.model import Capability, Modality
from airegistry.resources.prices import PriceBucket
from airegistry.resources.pricing import in_force, nanos_for
from tests import catalog_questions, real_catalogs
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


def test_there_are_twenty_questions_and_each_has_its_answers():
    assert [question.number for question in QUESTIONS] == list(range(1, 21))
    assert all(question.answers and question.count for question in QUESTIONS)


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
