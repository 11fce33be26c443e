"""The twenty questions, asked of a real registry into which both catalogs were imported by the command."""

import asyncio
from datetime import UTC, datetime

import pytest

from airegistry.client import RegistryClient
from tests import litellm_map
from tests.catalog_questions import SHOWN, best, questions, standing
from tests.command_line import servers

QUESTIONS = questions()


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Every answer of the registry, and when it was asked."""
    with servers(tmp_path_factory.mktemp("data")) as running:
        running.data("import", "genai-prices")
        running.data("import", "litellm", "--path", str(litellm_map.MAP))
        return asyncio.run(ask(running.registry)), datetime.now(UTC)


async def ask(registry):
    async with RegistryClient(registry) as client:
        return [await client.discover(question.query, limit=SHOWN) for question in QUESTIONS]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.title)
def test_the_registry_answers_from_the_imported_catalogs_what_their_rows_say(answers, question):
    told, at = answers
    answer = told[question.number - 1]
    # Prices change and models are deprecated by the day: what is expected is of the day it is asked.
    expected = best(question, at)
    costs = {(row.provider, row.id, row.region): cost for row, cost in expected}
    found = [candidate.resource.endpoint for candidate in answer.candidates]
    places = [(endpoint.provider, endpoint.upstream_model, endpoint.region) for endpoint in found]
    assert answer.matched_count == len(expected)
    assert [standing(question, costs[each]) for each in places] == [
        standing(question, cost) for _, cost in expected[:SHOWN]
    ]
    nanos = [None if cost is None else round(cost * 10**9) for cost in (costs[each] for each in places)]
    assert [candidate.cost_nanos for candidate in answer.candidates] == nanos


def test_nobody_whom_a_catalog_lists_can_be_invoked(answers):
    told, _ = answers
    assert not any(candidate.invocable for answer in told for candidate in answer.candidates)
