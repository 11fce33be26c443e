"""The index agrees with the slow reading of its contract, over random registries, changes and times."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airegistry.discovery.index import Index
from tests.registries import NAMES, NOW, RESOURCE, queries, registries
from tests.slow_discovery import expected

# An example is a whole registry.
FEWER = settings(max_examples=max(1, settings().max_examples // 4))


def check_agreement(index, resources, query, at):
    totals, cut, costs = expected(resources, query, at)
    answer = index.discover(query, limit=50, name_excluded=True)
    found = answer.candidates
    assert {each.name: each.score.total for each in found} == pytest.approx(totals, abs=1e-12)
    assert list(found) == sorted(found, key=lambda each: (-each.score.total, each.name))
    assert {each.name: each.cost_nanos for each in found} == costs
    assert answer.matched_count == len(totals)
    assert [(each.reason, each.count, list(each.names)) for each in answer.exclusions] == [
        (reason, len(cut[reason]), sorted(cut[reason])) for reason in sorted(cut)
    ]
    assert index.discover(query, limit=1).candidates == found[:1]


@FEWER
@given(registries(), queries())
def test_filters_counts_scores_and_order_are_those_of_the_slow_reading(resources, query):
    index = Index(lambda: NOW)
    index.replace(resources, 1)
    check_agreement(index, resources, query, NOW)


@FEWER
@given(registries(), st.lists(st.lists(RESOURCE | st.sampled_from(NAMES), max_size=4), max_size=4), queries())
def test_changes_one_by_one_give_what_a_fresh_index_gives(resources, batches, query):
    index = Index(lambda: NOW)
    index.replace(resources, 1)
    held = {resource.name: resource for resource in resources}
    for revision, batch in enumerate(batches, start=2):
        removed = [change for change in batch if isinstance(change, str)]
        puts = {change.name: change for change in batch if not isinstance(change, str)}
        index.discover(query, limit=50)
        index.apply(puts.values(), [name for name in removed if name not in puts], revision)
        for name in removed:
            held.pop(name, None)
        held |= puts
        check_agreement(index, list(held.values()), query, NOW)
        fresh = Index(lambda: NOW)
        fresh.replace(held.values(), revision)
        assert index.discover(query, limit=50) == fresh.discover(query, limit=50)


@FEWER
@given(registries(), st.lists(st.sampled_from([1, 3_600, 46_000, 86_400, 400 * 86_400]), max_size=4), queries())
def test_what_changes_with_time_is_that_of_the_time_of_the_query(resources, waits, query):
    clock = [NOW]
    index = Index(lambda: clock[0])
    index.replace(resources, 1)
    for wait in waits:
        index.discover(query)
        clock[0] += timedelta(seconds=wait)
        check_agreement(index, resources, query, clock[0])
