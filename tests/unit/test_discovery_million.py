"""The index agrees with the slow reading of its contract for a million pairs of endpoint and query."""

import random
from collections import Counter

import pytest

from airegistry.discovery.index import Index
from airegistry.expressions.expression import compile_expression
from airegistry.resources.requirements import DiscoverTarget
from tests.many import REQUIRED, Many
from tests.registries import NOW
from tests.slow_discovery import expected_of, subjects_of

SEED = 20_260_301
REGISTRIES = 4
MODELS, ENDPOINTS, AGENTS = 120, 1_000, 1_000
QUERIES = 250
"""For each registry."""

# Requirements about what is always known, or that are none by themselves.
_NEVER_UNKNOWN = {"labels", "skills", "lifecycle_stages", "credential"}


def ordered(totals):
    return sorted(totals, key=lambda name: (-totals[name], name))


def named(cut, most):
    """Return reasons, counts and the names that are told, at most so many in all."""
    told = []
    for reason in sorted(cut):
        names = sorted(cut[reason])[:most]
        most -= len(names)
        told.append((reason, len(cut[reason]), names))
    return told


def check(index, subjects, query, tally, limit):
    totals, cut, costs = expected_of(subjects, query, tally)
    answer = index.discover(query, limit=limit, name_excluded=True, stored=True)
    found = answer.candidates
    best = ordered(totals)[:limit]
    assert answer.matched_count == len(totals)
    assert [(each.reason, each.count, list(each.names)) for each in answer.exclusions] == named(cut, 100)
    assert [each.name for each in found] == best
    assert [each.score.total for each in found] == pytest.approx([totals[name] for name in best], abs=1e-12)
    assert [each.cost_nanos for each in found] == [costs[name] for name in best]


@pytest.mark.timeout(600)
def test_a_million_pairs_of_endpoint_and_query_agree_with_the_slow_reading():
    tally: Counter[tuple[str, bool | None]] = Counter()
    pairs = 0
    for number in range(REGISTRIES):
        many = Many(random.Random(SEED + number))
        resources = many.registry(MODELS, ENDPOINTS, AGENTS)
        measured = many.performances([each.name for each in resources if each.model is None])
        index = Index(lambda: NOW, compile_expression)
        index.replace(resources, 1)
        index.observe(measured, 1)
        subjects = subjects_of(resources, NOW, {each.name: each for each in measured})
        for turn in range(QUERIES):
            query = many.query()
            # Now and then everybody is asked for, in order; explaining each takes long.
            check(index, subjects, query, tally, ENDPOINTS if turn % 10 == 0 else 50)
            pairs += AGENTS if query.target is DiscoverTarget.AGENT else ENDPOINTS
    assert pairs >= 1_000_000
    for name in REQUIRED.keys() - {"usage"}:
        outcomes = [tally[name, held] for held in (True, False)]
        outcomes += [] if name in _NEVER_UNKNOWN else [tally[name, None]]
        assert min(outcomes) >= 500, f"{name} was too seldom met: {outcomes}"
