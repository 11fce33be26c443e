"""The index agrees with the slow reading of its contract, over random registries, changes and times."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airegistry.discovery.index import Index
from airegistry.expressions.expression import compile_expression
from airegistry.observations.performance import Performance
from airegistry.resources.resource import Resource
from tests.registries import NAMES, NOW, RESOURCE, everything_measured, performances, queries, registries
from tests.slow_discovery import expected

# An example is a whole registry.
FEWER = settings(max_examples=max(1, settings().max_examples // 4))


def check_agreement(index, resources, query, at, measured=()):
    totals, cut, costs = expected(resources, query, at, {each.name: each for each in measured})
    answer = index.discover(query, limit=50, name_excluded=True)
    found = answer.candidates
    assert {each.name: each.score.total for each in found} == pytest.approx(totals, abs=1e-12)
    assert [each.name for each in found] == sorted(totals, key=lambda name: (-totals[name], name))
    assert {each.name: each.cost_nanos for each in found} == costs
    assert answer.matched_count == len(totals)
    assert [(each.reason, each.count, list(each.names)) for each in answer.exclusions] == [
        (reason, len(cut[reason]), sorted(cut[reason])) for reason in sorted(cut)
    ]
    assert index.discover(query, limit=1).candidates == found[:1]


@FEWER
@given(registries(), everything_measured(), queries())
def test_filters_counts_scores_and_order_are_those_of_the_slow_reading(resources, measured, query):
    index = Index(lambda: NOW, compile_expression)
    index.replace(resources, 1)
    index.observe(measured, 1)
    check_agreement(index, resources, query, NOW, measured)


CHANGES = st.lists(RESOURCE | st.sampled_from(NAMES) | performances(), max_size=5)


@FEWER
@given(registries(), everything_measured(), st.lists(CHANGES, max_size=4), queries())
def test_changes_one_by_one_give_what_a_fresh_index_gives(resources, measured, batches, query):
    index = Index(lambda: NOW, compile_expression)
    index.observe(measured, 0)
    index.replace(resources, 1)
    held, seen = {each.name: each for each in resources}, {each.name: each for each in measured}
    for revision, batch in enumerate(batches, start=2):
        removed = [change for change in batch if isinstance(change, str)]
        puts = {change.name: change for change in batch if isinstance(change, Resource)}
        told = [change for change in batch if isinstance(change, Performance)]
        index.discover(query, limit=50)
        index.apply(puts.values(), removed, revision)
        index.observe(told, revision)
        for name in removed:
            # What is told before a name is there waits for it.
            if held.pop(name, None) is not None:
                seen.pop(name, None)
        held |= puts
        seen |= {each.name: each for each in told}
        check_agreement(index, list(held.values()), query, NOW, seen.values())
        fresh = Index(lambda: NOW, compile_expression)
        fresh.replace(held.values(), revision)
        fresh.replace_observations(seen.values(), revision)
        assert index.discover(query, limit=50) == fresh.discover(query, limit=50)


WAITS = st.sampled_from([1, 30, 299, 300, 1_500, 3_600, 46_000, 86_400, 400 * 86_400])


@FEWER
@given(registries(), everything_measured(), st.lists(WAITS, max_size=4), queries())
def test_what_changes_with_time_is_that_of_the_time_of_the_query(resources, measured, waits, query):
    clock = [NOW]
    index = Index(lambda: clock[0], compile_expression)
    index.replace(resources, 1)
    index.observe(measured, 1)
    for wait in waits:
        index.discover(query)
        clock[0] += timedelta(seconds=wait)
        check_agreement(index, resources, query, clock[0], measured)
