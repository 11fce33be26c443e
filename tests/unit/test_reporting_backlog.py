"""What waits to be reported, and what is under way."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from airegistry.invocations.invocation import Attempt, AttemptOutcome
from airegistry.invocations.usage import Cost, CostState, Usage
from airegistry.invoke.observer import Circumstances
from airegistry.reporting.backlog import MAX_APART, MAX_BATCH, MAX_UNDER_WAY, Backlog
from airegistry.reporting.measuring import observation_of, tells
from airegistry.resources.route import ErrorClass

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MEASURED = Attempt("models/m/endpoints/a", AttemptOutcome.OK, duration=1.0, time_to_first_token=0.25)
REFUSED = Attempt("models/m/endpoints/a", AttemptOutcome.ERROR, ErrorClass.TIMEOUT)


def filled(kept, count):
    backlog: Any = Backlog(kept)
    for number in range(count):
        backlog.add((Attempt(f"models/m/endpoints/{number}", AttemptOutcome.OK), Circumstances(), NOW))
    return backlog


def targets(batch):
    return [int(attempt.target.rpartition("/")[2]) for attempt, _, _ in batch.notes]


def test_beyond_its_bound_the_oldest_are_dropped_and_told_with_the_next_batch():
    backlog = filled(3, 5)
    batch = backlog.next()
    assert (targets(batch), batch.dropped_count, backlog.dropped) == ([2, 3, 4], 2, 2)


def test_what_is_told_of_the_dropped_is_told_once():
    backlog = filled(3, 5)
    backlog.answered(backlog.next())
    backlog.add((MEASURED, Circumstances(), NOW))
    assert backlog.next().dropped_count == 0


def test_what_is_under_way_counts_and_is_never_dropped():
    backlog = filled(3, 3)
    batch = backlog.next()
    backlog.add((MEASURED, Circumstances(), NOW))
    assert (len(backlog), backlog.dropped, targets(batch)) == (3, 1, [0, 1, 2])
    backlog.answered(batch)
    assert len(backlog) == 0


def test_a_refused_batch_is_told_as_dropped_with_what_it_told_itself():
    backlog = filled(3, 5)
    backlog.refused(backlog.next())
    backlog.add((MEASURED, Circumstances(), NOW))
    assert (backlog.next().dropped_count, backlog.dropped) == (5, 5)


def test_batches_are_numbered_from_one_without_a_gap_and_no_larger_than_the_registry_takes():
    backlog = filled(10_000, 2 * MAX_BATCH + 1)
    batches = [backlog.next() for _ in range(3)]
    assert [(each.number, len(each.notes)) for each in batches] == [(1, MAX_BATCH), (2, MAX_BATCH), (3, 1)]
    assert backlog.next() is None


def test_only_some_batches_are_under_way_at_once():
    backlog = filled(100_000, (MAX_UNDER_WAY + 1) * MAX_BATCH)
    batches = [backlog.next() for _ in range(MAX_UNDER_WAY)]
    assert backlog.next() is None
    backlog.answered(batches[3])
    assert backlog.next().number == MAX_UNDER_WAY + 1


def test_numbers_are_never_further_apart_than_the_registry_remembers():
    backlog = filled(10_000, 1)
    first = backlog.next()
    for _ in range(MAX_APART - 1):
        backlog.add((MEASURED, Circumstances(), NOW))
        backlog.answered(backlog.next())
    backlog.add((MEASURED, Circumstances(), NOW))
    assert backlog.next() is None
    backlog.answered(first)
    assert backlog.next().number == MAX_APART + 1


@pytest.mark.parametrize(
    ("streamed", "first"), [pytest.param(True, 0.25, id="streamed"), pytest.param(False, None, id="whole")]
)
def test_only_a_streamed_answer_has_a_first_token(streamed, first):
    observation = observation_of(MEASURED, Circumstances(streamed=streamed), NOW)
    assert (observation.time_to_first_token, observation.duration, observation.time) == (first, 1.0, NOW)


def test_what_its_callers_limit_cut_short_is_told_as_ended_by_the_caller():
    observation = observation_of(REFUSED, Circumstances(cut_short=True), NOW)
    assert (observation.outcome, observation.error_class) == (AttemptOutcome.CANCELED, None)
    patient = observation_of(REFUSED, Circumstances(), NOW)
    assert (patient.outcome, patient.error_class) == (AttemptOutcome.ERROR, ErrorClass.TIMEOUT)


def test_what_never_reached_its_target_tells_nothing():
    assert tells(REFUSED, Circumstances())
    assert not tells(REFUSED, Circumstances(telling=False))
    assert not tells(Attempt("models/m/endpoints/a"), Circumstances())


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        pytest.param(Usage(output_tokens=10**9 + 1), Cost(CostState.KNOWN, 1), id="tokens"),
        pytest.param(Usage(input_tokens=-1), Cost(CostState.KNOWN, 1), id="negative-tokens"),
        pytest.param(Usage(input_tokens=1), Cost(CostState.PARTIAL, 2**63 - 1), id="cost"),
    ],
)
def test_what_a_provider_says_and_cannot_be_is_left_out(usage, cost):
    told = observation_of(replace(MEASURED, usage=usage, cost=cost), Circumstances(), NOW)
    assert (told.usage is None) + (told.cost is None) == 1
    assert (told.outcome, told.duration) == (AttemptOutcome.OK, 1.0)


def test_what_can_be_is_told():
    usage, cost = Usage(input_tokens=10**9, estimated=True), Cost(CostState.KNOWN, 10**15)
    told = observation_of(replace(MEASURED, usage=usage, cost=cost), Circumstances(), NOW)
    assert (told.usage, told.cost) == (usage, cost)
