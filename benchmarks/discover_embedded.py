"""Discover in the embedded index: 10,000 endpoints, three filters, top 10, scores explained."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle, islice, repeat
from typing import Any

from airegistry.discovery.index import Index
from airegistry.expressions.expression import compile_expression
from airegistry.observations.performance import WINDOWS, ErrorCount, Performance, Quantiles, WindowStats
from airegistry.resources.requirements import DiscoverQuery, Preference, Requirements, ScoreWeights, TokenMix
from airegistry.resources.resource import Resource
from airegistry.resources.route import ErrorClass
from benchmarks.rows import Row, median, percentile, print_table
from benchmarks.workload import distinct_queries, repeated_query, resources

ENDPOINTS = 10_000
CALLS = 2_000
WARM_UP = 100
TARGET = 50e-6
UPDATE_TARGET = 20e-6

_EXPRESSION = 'endpoint.region.startsWith("eu") || model.limits.context_tokens >= 100000'
_NEW = 5
_AT = datetime(2026, 1, 1, tzinfo=UTC)


def measure() -> list[Row]:
    """Measure one Discover per kind of query, and what a change costs."""
    index = Index(lambda: _AT, compile_expression)
    everything = resources(ENDPOINTS)
    started = time.perf_counter()
    index.replace(everything, 1)
    build = time.perf_counter() - started
    endpoints = [resource for resource in everything if resource.endpoint is not None]
    return [
        _row("repeated query", _times(index.discover, repeat(repeated_query())), TARGET),
        _row("every query differs", _times(index.discover, distinct_queries()), None),
        _row("every query differs, another preference each", _times(index.discover, _preferences()), None),
        _row("every query differs in its token mix", _times(index.discover, _mixes()), None),
        _row("every query differs in its weights", _times(index.discover, _weights()), None),
        _row(
            "every query differs, an endpoint changes before each",
            _times(_after_changes(index, endpoints), distinct_queries()),
            None,
        ),
        _row("every query differs, one filter expression", _times(index.discover, _filtered(_EXPRESSION)), None),
        _new_expressions(index),
        _row(
            "every query differs, an observation comes before each",
            _times(_after_observations(index), distinct_queries()),
            None,
        ),
        _row("one observation", _times(lambda told: index.observe((told,), 1), _observations()), UPDATE_TARGET),
        _row("one endpoint changes", _times(lambda resource: index.apply((resource,), (), 2), iter(endpoints)), None),
        Row("Index, 10,000 endpoints: build", f"{build:.2f} s"),
    ]


def _after_changes(index: Index, endpoints: list[Resource]) -> Callable[[DiscoverQuery], object]:
    changes = iter(endpoints)

    def discover(query: DiscoverQuery) -> object:
        index.apply((next(changes),), (), 2)
        return index.discover(query)

    return discover


def _after_observations(index: Index) -> Callable[[DiscoverQuery], object]:
    told = _observations()

    def discover(query: DiscoverQuery) -> object:
        index.observe((next(told),), 1)
        return index.discover(query)

    return discover


def _observations() -> Iterator[Performance]:
    """Yield what was measured of one endpoint after the other, in all windows, with errors and every median."""
    errors = (ErrorCount(ErrorClass.PROVIDER, 2), ErrorCount(ErrorClass.RATE_LIMITED, 1))
    for number, resource in enumerate(cycle(each for each in resources(ENDPOINTS) if each.endpoint is not None)):
        middle = Quantiles(50, 0.2 + number % 7, 9.0, 9.0)
        facts: dict[str, Any] = {
            "time_to_first_token": middle,
            "duration": middle,
            "tokens_per_second": middle,
            "last_time": _AT,
        }
        windows = tuple(WindowStats(seconds, 100, errors, tokens=9_000, **facts) for seconds in WINDOWS)
        yield Performance(resource.name, windows, _AT)


def _preferences() -> Iterator[DiscoverQuery]:
    for number, query in enumerate(distinct_queries()):
        yield replace(query, preference=list(Preference)[number % len(Preference)])


def _mixes() -> Iterator[DiscoverQuery]:
    for number, query in enumerate(distinct_queries()):
        asked = query.requirements or Requirements()
        yield replace(query, requirements=replace(asked, usage=TokenMix(3_000 + number, 1_000)))


def _weights() -> Iterator[DiscoverQuery]:
    for number, query in enumerate(distinct_queries()):
        yield replace(query, preference=None, weights=ScoreWeights(1 + number, 2, 3, 4, 5))


def _filtered(expression: str) -> Iterator[DiscoverQuery]:
    for query in distinct_queries():
        asked = query.requirements or Requirements()
        yield replace(query, requirements=replace(asked, filter=expression))


def _new_expressions(index: Index) -> Row:
    """Measure expressions that nobody asked before, over everybody: each endpoint is evaluated once."""
    times = []
    for number in range(_NEW):
        query = DiscoverQuery(requirements=Requirements(filter=f"{_EXPRESSION} || endpoint.weight == {number}"))
        started = time.perf_counter()
        index.discover(query)
        times.append((time.perf_counter() - started) / ENDPOINTS)
    return Row("Discover embedded, a new filter expression", f"{median(times) * 1e6:.1f} µs per endpoint evaluated")


def _times(call: Callable[..., object], arguments: Iterator[object]) -> list[float]:
    times = []
    for argument in islice(arguments, CALLS):
        started = time.perf_counter()
        call(argument)
        times.append(time.perf_counter() - started)
    return times[WARM_UP:]


def _row(work: str, times: list[float], target: float | None) -> Row:
    middle = median(times)
    return Row(
        f"Discover embedded, {work}",
        f"p50 {middle * 1e6:.0f} µs; p99 {percentile(times, 0.99) * 1e6:.0f} µs",
        target=f"p50 ≤ {target * 1e6:.0f} µs" if target else "",
        holds=middle <= target if target else None,
    )


if __name__ == "__main__":
    print_table(measure(), "Discover in the embedded index")
