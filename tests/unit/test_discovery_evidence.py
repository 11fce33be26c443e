"""What was measured is known of those who are registered, in bounds of those who are not, and for as long as it counts."""

from datetime import UTC, datetime, timedelta

import pytest

from airegistry.cache import Cache
from airegistry.discovery.evidence import held
from airegistry.discovery.evidence.held import Evidence
from airegistry.discovery.evidence.measured import (
    DAY,
    FIVE_MINUTES,
    HALF_HOUR,
    MINUTE,
    Measured,
    Told,
    microseconds,
    windows_of,
)
from airegistry.discovery.index import Index
from airegistry.observations.performance import WINDOWS, ErrorCount, Performance, Quantiles, WindowStats
from airegistry.resources.route import ErrorClass

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MEDIAN = Quantiles(count=7, p50=0.25)


def window(length=300.0, last=NOW, **facts):
    return WindowStats(**({"window": length, "attempts": 10, "last_time": last} | facts))


def performance(*windows, name="models/m/endpoints/e"):
    return Performance(name=name, windows=windows or (window(),), time=NOW)


def read(*windows, at=NOW):
    return Measured.of(windows_of(performance(*windows))).at(microseconds(at))


def test_a_window_says_what_was_measured_in_it():
    errors = (ErrorCount(ErrorClass.PROVIDER, 2), ErrorCount(None, 1))
    facts = {
        "attempts": 10,
        "errors": errors,
        "tokens": 90,
        "time_to_first_token": MEDIAN,
        "duration": Quantiles(3, 4.5),
    }
    (each,) = read(window(**facts))
    assert (each.length, each.last) == (FIVE_MINUTES, microseconds(NOW))
    assert (each.attempts, each.judged, each.failed, each.limited, each.tokens) == (10, 10, 3, 0, 90)
    assert (each.first_count, each.first, each.whole_count, each.whole) == (7, 0.25, 3, 4.5)
    assert each.speed_count == 0


@pytest.mark.parametrize("count", [1, 2**32 - 1, 2**32, 2**53], ids=str)
@pytest.mark.parametrize("windows", [1, 4, 5], ids=str)
def test_counts_survive_being_packed_however_large(count, windows):
    lengths = (60.0, 300.0, 1_800.0, 86_400.0, 300.0)[:windows]
    found = read(*(window(length, attempts=count, tokens=7, duration=Quantiles(count, 0.1)) for length in lengths))
    assert [each.length for each in found] == sorted(length * 1e6 for length in lengths)
    assert {(each.attempts, each.judged, each.tokens, each.whole_count, each.whole) for each in found} == {
        (count, count, 7, count, 0.1)
    }


@pytest.mark.parametrize("error", [*ErrorClass, None], ids=str)
def test_only_errors_of_the_endpoint_speak_against_it(error):
    theirs = {
        ErrorClass.OVERLOADED,
        ErrorClass.PROVIDER,
        ErrorClass.CONNECTION,
        ErrorClass.TIMEOUT,
        ErrorClass.MALFORMED_ANSWER,
        ErrorClass.MODEL_NOT_FOUND,
        None,
    }
    (each,) = read(window(attempts=10, errors=(ErrorCount(error, 4),)))
    assert each.attempts == 10
    assert (each.judged, each.failed) == ((10, 4) if error in theirs else (6, 0))
    assert each.limited == (4 if error is ErrorClass.RATE_LIMITED else 0)


def test_a_window_counts_until_its_last_attempt_is_as_old_as_it_is_long():
    windows = [window(length) for length in (60.0, 300.0, 1_800.0, 86_400.0)]
    almost = timedelta(microseconds=1)
    for left, length in enumerate((MINUTE, FIVE_MINUTES, HALF_HOUR, DAY)):
        end = NOW + timedelta(microseconds=length)
        assert len(read(*windows, at=end - almost)) == 4 - left
        assert len(read(*windows, at=end)) == 3 - left


def test_windows_are_read_the_shortest_first_however_they_were_told():
    lengths = (86_400.0, 60.0, 1_800.0, 300.0)
    assert [each.length for each in read(*map(window, lengths))] == [MINUTE, FIVE_MINUTES, HALF_HOUR, DAY]


@pytest.mark.parametrize("p50", [float("nan"), float("inf"), -1.0], ids=str)
def test_a_median_that_cannot_be_one_was_not_measured(p50):
    (each,) = read(window(duration=Quantiles(5, p50)))
    assert each.whole_count == 0


def test_windows_that_cannot_be_placed_are_passed_by():
    assert read(window(7.0), window(None)) == []
    assert not windows_of(Performance("models/m/endpoints/e", (window(last=None),)))
    assert windows_of(Performance("models/m/endpoints/e", (window(last=None),), NOW))


def test_what_is_told_early_waits_for_its_name_and_the_rest_is_forgotten_in_bounds(monkeypatch):
    monkeypatch.setattr(held, "MOST_EARLY", 3)
    evidence = Evidence()
    for number in range(5):
        evidence.take(performance(name=f"agents/{number}"), registered=False)
    assert len(evidence) == 3
    for number in range(5):
        evidence.arrived(f"agents/{number}")
    assert [evidence.get(f"agents/{number}") is not None for number in range(5)] == [False, False, True, True, True]


def test_nothing_measured_forgets_and_so_does_the_end_of_the_name():
    evidence = Evidence()
    for name in ("agents/a", "agents/b"):
        evidence.take(performance(name=name), registered=True)
    evidence.take(Performance("agents/a"), registered=True)
    evidence.left("agents/b")
    assert len(evidence) == 0


def test_a_replaced_registry_keeps_what_was_measured_of_those_who_stay():
    evidence = Evidence()
    evidence.take(performance(name="agents/stays"), registered=True)
    evidence.take(performance(name="agents/goes"), registered=True)
    evidence.take(performance(name="agents/comes"), registered=False)
    evidence.restrict(["agents/stays", "agents/comes"])
    assert [evidence.get(f"agents/{who}") is not None for who in ("stays", "goes", "comes")] == [True, False, True]


def test_the_epoch_is_that_of_the_last_complete_news():
    index = Index(lambda: NOW)
    index.observe([performance()], 3)
    index.observe([performance()], None)
    assert index.observation_epoch == 3


def test_a_cache_passes_observations_on():
    cache = Cache(lambda: NOW)
    cache.observe([performance()], 3)
    assert cache.index.observation_epoch == 3
    cache.observe([], 4, snapshot=True)
    assert cache.index.observation_epoch == 4


@pytest.mark.parametrize("attempts", [1, 2**40], ids=["narrow", "wide"])
@pytest.mark.parametrize("count", range(5))
def test_a_load_is_kept_beside_any_windows(count, attempts):
    windows = windows_of(Performance(windows=tuple(window(length, attempts=attempts) for length in WINDOWS[:count])))
    assert len(windows) == count
    packed = Measured.of(windows, Told(0.3, microseconds(NOW)))
    assert packed.at(microseconds(NOW)) == windows
    assert packed.told_at(microseconds(NOW)) == Told(0.3, microseconds(NOW))
    assert Measured.of(windows).told_at(microseconds(NOW)) is None
