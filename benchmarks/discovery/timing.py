"""Times of single calls, by the clock and by the processor: on a machine with other work only the second is ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchmarks.rows import median, percentile


@dataclass(slots=True)
class Times:
    """What each of some calls took, in nanoseconds; a round is a list of them."""

    rounds: list[list[tuple[int, int]]] = field(default_factory=lambda: [[]])

    def call(self, work: Callable[..., object], *arguments: object) -> None:
        """Call and note what it took."""
        clock, processor = time.perf_counter_ns(), time.thread_time_ns()
        work(*arguments)
        used = time.thread_time_ns() - processor
        self.rounds[-1].append((used, time.perf_counter_ns() - clock))

    def next_round(self) -> None:
        """Begin another round."""
        self.rounds.append([])

    @property
    def middle(self) -> float:
        """The processor time of the middle call of the quietest round, in microseconds."""
        return min(median([used for used, _ in each]) for each in self.rounds if each) / 1e3

    @property
    def average(self) -> float:
        """The processor time of a call of the round with the lowest average, in microseconds: with what is put off to one of many."""
        return min(sum(used for used, _ in each) / len(each) for each in self.rounds if each) / 1e3

    def __str__(self) -> str:
        clock = min(median([taken for _, taken in each]) for each in self.rounds if each) / 1e3
        tail = percentile([used for each in self.rounds for used, _ in each], 0.99) / 1e3
        return f"p50 {self.middle:,.0f} µs ({clock:,.0f} by the clock), p99 {tail:,.0f} µs"


def overhead(calls: Iterable[int] = range(2_000)) -> float:
    """Return what noting itself takes, in microseconds: it is part of every figure."""
    times = Times()
    for _ in calls:
        times.call(int)
    return times.middle
