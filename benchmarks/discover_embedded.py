"""Discover in the embedded index: 10,000 endpoints, three filters, top 10, scores explained."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice, repeat

from airegistry.discovery.index import Index
from airegistry.expressions.expression import compile_expression
from airegistry.resources.requirements import DiscoverQuery, Preference, Requirements, ScoreWeights, TokenMix
from airegistry.resources.resource import Resource
from benchmarks.rows import Row, median, percentile, print_table
from benchmarks.workload import distinct_queries, repeated_query, resources

ENDPOINTS = 10_000
CALLS = 2_000
WARM_UP = 100
TARGET = 50e-6

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
        _row("one endpoint changes", _times(lambda resource: index.apply((resource,), (), 2), iter(endpoints)), None),
        Row("Index, 10,000 endpoints: build", f"{build:.2f} s"),
    ]


def _after_changes(index: Index, endpoints: list[Resource]) -> Callable[[DiscoverQuery], object]:
    changes = iter(endpoints)

    def discover(query: DiscoverQuery) -> object:
        index.apply((next(changes),), (), 2)
        return index.discover(query)

    return discover


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
