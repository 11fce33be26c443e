"""Counters and distributions: exact in any order, and close to what was measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.observations.performance import ErrorCount
from airegistry.resources.route import ErrorClass
from registry.observations import codes
from registry.observations.counts import Counts
from registry.observations.delta import SHARDS, Target, decode, encode, merged, only
from registry.observations.rollups import Cell, RollupKey, combined, delta_of_rollups, rolled
from registry.observations.stats import window_stats
from registry.observations.tally import tallied
from tests.measuring import CANCELED, ERROR, ONE, TWO, columns, measured

NOW = 1_700_000_000.0
SECONDS = st.floats(min_value=codes.LEAST, max_value=codes.MOST)
COUNTED = st.dictionaries(st.integers(0, 50), st.integers(1, 2**40), max_size=20)


def counts(of):
    return Counts.of(np.array(list(of), np.int64), np.array(list(of.values()), np.int64))


def as_dict(counted):
    return {key: count for key, count in zip(counted.keys.tolist(), counted.counts.tolist(), strict=True) if count}


def stats_of(delta, window=60):
    """Return what all of *delta* says of its first target."""
    whole = combined(cell for key, cell in rolled(delta).items() if key.target == ONE and key.step == 60)
    return window_stats(window, whole.codes.tolist(), whole.counts.tolist(), None)


@given(SECONDS)
def test_what_is_told_of_a_bin_is_within_two_percent_of_what_is_in_it(value):
    (bin_,) = codes.bins_of(np.array([value])).tolist()
    assert 0 <= bin_ < codes.BINS
    assert abs(codes.VALUES[bin_] - value) <= 0.02 * value


def test_the_ends_of_every_bin_are_told_within_two_percent():
    for bin_, value in enumerate(codes.VALUES):
        inside = np.array([value * (1 - 0.0199), value, value * (1 + 0.0199)])
        assert abs(codes.bins_of(inside) - bin_).max() <= 1
    edges = np.array([codes.LEAST * 2**doublings for doublings in range(1, 40)])
    assert codes.bins_of(edges).tolist() == [18 * doublings for doublings in range(1, 40)]


@pytest.mark.parametrize(("value", "bin_"), [(0.0, 0), (codes.LEAST / 2, 0), (1e12, codes.BINS - 1)])
def test_what_is_too_small_or_too_large_is_in_the_outermost_bin(value, bin_):
    assert codes.bins_of(np.array([value])).tolist() == [bin_]


@given(st.lists(st.floats(min_value=1e-4, max_value=1e4), min_size=1, max_size=300))
def test_each_quantile_is_within_two_percent_of_the_value_at_its_rank(values):
    quantiles = stats_of(measured(*({"at": NOW, "duration": value} for value in values))).duration
    ordered = sorted(values)
    assert quantiles.count == len(values)
    for told, percent in ((quantiles.p50, 50), (quantiles.p90, 90), (quantiles.p99, 99)):
        exact = ordered[-(-len(ordered) * percent // 100) - 1]
        assert abs(told - exact) <= 0.02 * exact


@given(st.lists(COUNTED, min_size=1, max_size=6), st.randoms())
def test_counts_are_equal_in_whatever_order_they_are_added(parts, random):
    expected: dict[int, int] = {}
    for part in parts:
        for key, count in part.items():
            expected[key] = expected.get(key, 0) + count
    random.shuffle(parts)
    total = Counts.empty()
    for part in parts:
        total.add(counts(part))
    assert as_dict(total) == expected
    assert total.keys.tolist() == sorted(expected)


@given(COUNTED, COUNTED)
def test_what_is_taken_away_leaves_no_trace(kept, gone):
    total = Counts.empty()
    total.add(counts(gone))
    total.add(counts(kept))
    total.take_away(counts(gone))
    assert as_dict(total) == kept


def test_zeros_are_swept_out():
    total = counts(dict.fromkeys(range(1000), 1))
    total.take_away(counts(dict.fromkeys(range(900), 1)))
    assert len(total) == 100


@given(st.lists(st.lists(st.tuples(st.integers(0, 1), SECONDS), min_size=1, max_size=20), min_size=2, max_size=4))
def test_deltas_are_equal_in_whatever_order_and_grouping_they_are_merged(batches):
    deltas = []
    for number, batch in enumerate(batches):
        found = [{"at": NOW + 7 * number, "target": 0, "duration": value} for _, value in batch]
        deltas.append(measured(*found, targets=((ONE, TWO)[batch[0][0]],)))
    one_by_one = merged(deltas)
    grouped = merged([merged(reversed(deltas[1:])), deltas[0]])
    assert as_cells(one_by_one) == as_cells(grouped)


def as_cells(delta):
    last = dict(zip(delta.targets, delta.last, strict=True))
    return last, {key: (cell.codes.tolist(), cell.counts.tolist()) for key, cell in rolled(delta).items()}


def test_a_delta_comes_back_from_its_bytes():
    delta = measured(
        {"at": NOW, "duration": 1.5, "cost": 10**15},
        {"at": NOW - 5000, "target": 1, "outcome": ERROR, "error_class": 7},
        targets=(ONE, TWO),
    )
    again = decode(encode(delta))
    assert again.targets == (ONE, TWO)
    assert again.last == delta.last
    assert as_cells(again) == as_cells(delta)


def test_bytes_of_a_newer_version_are_refused():
    with pytest.raises(ValueError, match="newer registry"):
        decode(b"\x02" + encode(measured({"at": NOW}))[1:])
    with pytest.raises(ValueError, match="newer registry"):
        Cell.decode(b"\x02" + Cell(1, np.array([0]), np.array([1])).encode()[1:])


def test_attempts_are_those_that_ended_by_themselves():
    stats = stats_of(
        measured(
            {"at": NOW},
            {"at": NOW, "outcome": ERROR, "error_class": int(ErrorClass.TIMEOUT)},
            {"at": NOW, "outcome": ERROR},
            {"at": NOW, "outcome": CANCELED, "first_token": 0.5, "duration": 2.0},
        )
    )
    assert (stats.attempts, stats.canceled) == (3, 1)
    assert stats.errors == (ErrorCount(None, 1), ErrorCount(ErrorClass.TIMEOUT, 1))
    # The caller saw a first token, and then left: how long a whole answer takes nobody knows.
    assert stats.time_to_first_token.count == 1
    assert stats.duration is None


def test_unknown_costs_and_tokens_are_not_zero():
    unknown = stats_of(measured({"at": NOW}))
    assert (unknown.cost_nanos, unknown.costed, unknown.tokens) == (None, 0, 0)
    free = stats_of(measured({"at": NOW, "cost": 0}, {"at": NOW}))
    assert (free.cost_nanos, free.costed) == (0, 1)


def test_costs_add_up_exactly_beyond_what_a_float_holds():
    costs = [10**15 - 1, 2**53 + 1, 3, 1]
    stats = stats_of(measured(*({"at": NOW, "cost": cost} for cost in costs)))
    assert (stats.cost_nanos, stats.costed) == (sum(costs), 4)


def test_a_cost_beyond_the_wire_is_cut_and_not_wrapped():
    found = columns(*({"at": NOW, "cost": 10**15} for _ in range(2000)))
    delta = merged(tallied(found, (ONE,)) for _ in range(10))
    assert stats_of(delta).cost_nanos == 2**63 - 1


def test_speed_counts_the_tokens_after_the_first():
    stats = stats_of(measured({"at": NOW, "duration": 3.0, "first_token": 1.0, "tokens": 50, "output_tokens": 41}))
    assert stats.tokens_per_second.p50 == pytest.approx(20.0, rel=0.02)


@pytest.mark.parametrize(
    "unmeasurable",
    [
        {"duration": 1.0, "first_token": 1.0, "output_tokens": 10},
        {"duration": 3.0, "first_token": 1.0, "output_tokens": 1},
        {"duration": 3.0, "first_token": 1.0},
        {"duration": 3.0, "output_tokens": 10},
        {"duration": 3.0, "first_token": 1.0, "output_tokens": 10, "outcome": ERROR},
    ],
    ids=["at-once", "one-token", "unknown-tokens", "not-streamed", "failed"],
)
def test_no_speed_is_made_up(unmeasurable):
    assert stats_of(measured({"at": NOW, **unmeasurable})).tokens_per_second is None


def test_rollups_are_of_whole_minutes_hours_and_days():
    delta = measured({"at": NOW}, {"at": NOW + 61})
    assert {key.step: 0 for key in rolled(delta)} == {60: 0, 3600: 0, 86400: 0}
    minutes = [key for key in rolled(delta) if key.step == 60]
    assert [key.start % 60 for key in minutes] == [0, 0]
    assert RollupKey(86_400, int(NOW // 86_400 * 86_400), ONE) in rolled(delta)


def test_rollups_become_a_delta_again():
    delta = measured({"at": NOW, "duration": 2.0}, {"at": NOW + 60, "target": 1}, targets=(ONE, TWO))
    rows = [
        (key.start, key.target, Cell.decode(cell.encode())) for key, cell in rolled(delta).items() if key.step == 60
    ]
    again = delta_of_rollups(rows)
    assert dict(zip(again.targets, again.last, strict=True)) == dict(zip(delta.targets, delta.last, strict=True))
    hours = [{key: as_cells(one)[1][key] for key in as_cells(one)[1] if key.step == 3600} for one in (delta, again)]
    assert hours[0] == hours[1]


def test_targets_of_one_name_are_told_apart():
    again = Target(ONE.name, "uid-9")
    both = merged([measured({"at": NOW}), measured({"at": NOW}, targets=(again,))])
    assert both.targets == (ONE, again)


def test_shards_are_parts_of_the_whole():
    targets = tuple(Target(f"agents/{place}", f"uid-{place}") for place in range(50))
    delta = measured(*({"at": NOW, "target": place, "duration": 1.0 + place} for place in range(50)), targets=targets)
    halves = [only(delta, range(5)), only(delta, range(5, SHARDS))]
    assert all(0 < len(half.targets) < 50 for half in halves)
    assert as_cells(merged(halves)) == as_cells(delta)
    assert only(delta, ()).targets == ()
