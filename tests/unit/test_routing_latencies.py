"""What is remembered of how long endpoints took, on a clock that the test drives."""

import pytest

from airegistry.routing.latencies import ENOUGH, Latencies


def note(latencies, *seconds, stream=True):
    for one in seconds:
        latencies.note("a", one, stream=stream)


def test_few_answers_are_no_measurement(clock):
    latencies = Latencies(clock)
    note(latencies, *[1.0] * (ENOUGH - 1))
    assert latencies.of("a", stream=True) is None
    note(latencies, 1.0)
    assert latencies.of("a", stream=True) == 1.0


def test_the_first_answers_count_alike(clock):
    latencies = Latencies(clock)
    note(latencies, 1.0, 2.0, 3.0, 4.0, 5.0)
    assert latencies.of("a", stream=True) == pytest.approx(3.0)


def test_newer_answers_count_more(clock):
    latencies = Latencies(clock)
    note(latencies, *[1.0] * 10)
    clock.time += 60
    note(latencies, 2.0)
    assert latencies.of("a", stream=True) == pytest.approx(1.9, abs=0.1)


def test_streams_and_whole_answers_are_apart(clock):
    latencies = Latencies(clock)
    note(latencies, *[1.0] * 5)
    note(latencies, *[9.0] * 5, stream=False)
    assert (latencies.of("a", stream=True), latencies.of("a", stream=False)) == (1.0, 9.0)


def test_what_is_old_is_no_measurement(clock):
    latencies = Latencies(clock)
    note(latencies, *[1.0] * 5)
    clock.time += 301
    assert latencies.of("a", stream=True) is None


def test_only_so_many_are_remembered(clock):
    latencies = Latencies(clock)
    note(latencies, *[1.0] * 5)
    for i in range(5_000):
        latencies.note(f"other-{i}", 1.0, stream=True)
    assert latencies.of("a", stream=True) is None
    assert len(latencies._known) == 4_096
