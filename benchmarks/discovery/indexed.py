"""Queries and updates of the index, at sizes that are ten times apart: no query is asked twice."""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise

from airegistry.discovery.index import Index
from airegistry.observations.performance import Performance
from airegistry.resources.requirements import DiscoverQuery, Requirements
from airegistry.resources.resource import Resource
from benchmarks.discovery.plane import changes, endpoints, observations, open_index
from benchmarks.discovery.sizes import ROUNDS, SIZES, UPDATED
from benchmarks.discovery.timing import Times
from benchmarks.rows import Row
from benchmarks.workload import distinct_queries, resources

TARGETS = {10_000: 60.0, 100_000: 600.0, 1_000_000: 8_000.0}
MOST_UPDATE = 20.0
_CALLS = {10_000: 400, 100_000: 200}
_FEWER = 60
_WARM_UP = 20
_BEFORE_ORDER = 7
_MEASURED_EVERY = {1_000_000: 10}
_WORK = "index, {:,} endpoints"


@dataclass(slots=True)
class Measured:
    """What was measured at one size."""

    size: int
    first: Times = field(default_factory=Times)
    unordered: Times = field(default_factory=Times)
    many: Times = field(default_factory=Times)
    few: Times = field(default_factory=Times)
    observing: Times = field(default_factory=Times)
    before: Times = field(default_factory=Times)
    after_observation: Times = field(default_factory=Times)
    changing: Times = field(default_factory=Times)
    after_change: Times = field(default_factory=Times)
    left: dict[str, int] = field(default_factory=dict)

    @property
    def all(self) -> Iterator[Times]:
        """What is measured in every round."""
        yield from (self.many, self.few, self.observing, self.changing)
        yield from (self.before, self.after_observation, self.after_change)


def measure() -> list[Row]:
    """Measure every size, and compare what ten times as many endpoints cost."""
    measured = []
    for size in SIZES:
        print(f"an index of {size:,} endpoints …", file=sys.stderr, flush=True)
        measured.append(_measure(size))
        gc.unfreeze()
        gc.collect()
    rows = [row for each in measured for row in _queries(each)]
    rows += [_growth(small, large) for small, large in pairwise(measured)]
    at = next(each for each in measured if each.size == UPDATED)
    return [
        *rows,
        _update("one observation", at, at.observing, at.after_observation),
        _update("one endpoint changes", at, at.changing, at.after_change),
    ]


def _measure(size: int) -> Measured:
    known = resources(size)
    measured, index = Measured(size), open_index(known, every=_MEASURED_EVERY.get(size, 1))
    # As a server does after it has loaded: what is there for good is not looked through for garbage again and again.
    gc.collect()
    gc.freeze()
    many, few = distinct_queries(), few_queries()
    measured.first.call(index.discover, next(many))
    for _ in range(_BEFORE_ORDER):
        measured.unordered.call(index.discover, next(many))
    for _ in range(_WARM_UP):
        index.discover(next(many))
        index.discover(next(few))
    measured.left = {
        "many": index.discover(next(many)).matched_count,
        "few": index.discover(next(few)).matched_count,
    }
    told, changed = observations(endpoints(known)), changes(endpoints(known))
    for _ in range(ROUNDS):
        _ask(measured, index, many, few)
        _update_between(measured, index, many, told, changed)
        for times in measured.all:
            times.next_round()
    return measured


def _ask(measured: Measured, index: Index, many: Iterator[DiscoverQuery], few: Iterator[DiscoverQuery]) -> None:
    for _ in range(_CALLS.get(measured.size, _FEWER)):
        measured.many.call(index.discover, next(many))
        measured.few.call(index.discover, next(few))


def _update_between(
    measured: Measured,
    index: Index,
    queries: Iterator[DiscoverQuery],
    told: Iterator[Performance],
    changed: Iterator[Resource],
) -> None:
    """Update alone, then between queries: each update is of another endpoint, and each query another one."""
    calls = _CALLS.get(measured.size, _FEWER)
    for observation, change in zip(list(islice(told, calls)), list(islice(changed, calls)), strict=True):
        measured.observing.call(index.observe, (observation,), 2)
        measured.changing.call(index.apply, (change,), (), 2)
    index.discover(next(queries))
    for _ in range(calls):
        observation, change = next(told), next(changed)
        measured.before.call(index.discover, next(queries))
        index.observe((observation,), 2)
        measured.after_observation.call(index.discover, next(queries))
        index.apply((change,), (), 2)
        measured.after_change.call(index.discover, next(queries))


def few_queries(seed: int = 23) -> Iterator[DiscoverQuery]:
    """Yield queries of the same three filters that few pass: the largest context at the lowest prices."""
    rng = random.Random(seed)
    for number, query in enumerate(distinct_queries(seed)):
        asked = query.requirements or Requirements()
        cheap = rng.randrange(60_000_000, 160_000_000) + number
        yield replace(
            query,
            requirements=replace(
                asked, max_price_per_million_nanos=cheap, min_context_tokens=rng.randrange(200_001, 1_000_000)
            ),
        )


def _queries(at: Measured) -> Iterator[Row]:
    work, most = _WORK.format(at.size), TARGETS.get(at.size)
    for what, times in (
        (f"many pass ({at.left['many']:,})", at.many),
        (f"few pass ({at.left['few']:,})", at.few),
        ("right after an observation", at.after_observation),
        ("right after a change", at.after_change),
    ):
        target = f"p50 ≤ {most:,.0f} µs" if most else ""
        yield Row(f"{work}: {what}", str(times), "", target, times.middle <= most if most else None)
    yield Row(
        f"{work}: before there is an order",
        f"the first {at.first.middle / 1e3:,.1f} ms, the next {_BEFORE_ORDER} {at.unordered.middle / 1e3:,.1f} ms",
    )


def _growth(small: Measured, large: Measured) -> Row:
    times, more = large.many.middle / small.many.middle, large.size / small.size
    return Row(
        f"index, {small.size:,} to {large.size:,} endpoints: a query costs",
        f"{times:.1f} x",
        f"{more:.0f} x the endpoints",
        f"≤ {more:.0f} x",
        times <= more,
    )


def _update(what: str, at: Measured, own: Times, after: Times) -> Row:
    extra = max(0.0, after.middle - at.before.middle)
    return Row(
        f"{_WORK.format(at.size)}: {what}",
        f"{own.average:.1f} µs on average, and {extra:.1f} µs more in the next query",
        str(own),
        f"together ≤ {MOST_UPDATE:.0f} µs",
        own.average + extra <= MOST_UPDATE,
    )
