"""What was measured, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airegistry.cli.tables import table
from airegistry.cli.values import figure, number, price, seconds, span
from airegistry.discovery.evidence.measured import SAYS_NOTHING
from airegistry.observations.performance import Performance, Quantiles, WindowStats
from airegistry.resources.endpoint import DeclaredPerformance

if TYPE_CHECKING:
    from rich.table import Table

_COLUMNS = (
    "ATTEMPTS",
    "RELIABILITY",
    "FIRST TOKEN",
    "TOKENS/S",
    "DURATION",
    "CANCELED",
    "$",
    "TOKENS",
    "FAILED",
)
_RIGHT = tuple(column for column in _COLUMNS if column != "FAILED")
_LEGEND = (
    "first token, tokens/s, duration: the median (and the 99th percentile); $: of so many attempts as it is known of"
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What is declared of an endpoint or agent beside what was measured of it."""

    name: str
    declared: DeclaredPerformance | None = None
    performance: Performance | None = None


def performance_table(measurements: Iterable[Measurement]) -> Table:
    """Return what is declared, and below it what was measured over each window, with its count and age."""
    rows = (row for measurement in measurements for row in _measurement(measurement))
    shown = table(("NAME", "OVER", "LAST", *_COLUMNS), rows, right=("OVER", "LAST", *_RIGHT))
    shown.caption, shown.caption_justify = _LEGEND, "left"
    return shown


def stats_table(performances: Iterable[Performance]) -> Table:
    """Return one row for each window, the oldest first."""
    rows = ((_time(performance), *_window(window)) for performance in performances for window in performance.windows)
    shown = table(("UNTIL", *_COLUMNS), rows, right=_RIGHT)
    shown.caption, shown.caption_justify = _LEGEND, "left"
    return shown


def _measurement(measurement: Measurement) -> Iterator[Sequence[str]]:
    declared = measurement.declared or DeclaredPerformance()
    performance = measurement.performance or Performance()
    yield (
        measurement.name,
        "declared",
        "",
        "",
        number(declared.reliability),
        seconds(declared.time_to_first_token),
        number(declared.tokens_per_second),
        *("" for _ in _COLUMNS[4:]),
    )
    if not performance.windows:
        yield ("", "measured", "never", *("" for _ in _COLUMNS))
    for window in performance.windows:
        yield "", span(window.window), _age(performance, window), *_window(window)


def _window(window: WindowStats) -> Sequence[str]:
    return (
        number(window.attempts),
        _reliability(window),
        _quantiles(window.time_to_first_token, " s"),
        _quantiles(window.tokens_per_second, ""),
        _quantiles(window.duration, " s"),
        number(window.canceled),
        _cost(window),
        number(window.tokens),
        ", ".join(
            f"{each.count:,} {each.error_class.name.lower() if each.error_class else '?'}" for each in window.errors
        ),
    )


def _reliability(window: WindowStats) -> str:
    """Return the share that succeeded of the attempts that say so, as the ranking counts it."""
    silent = sum(each.count for each in window.errors if each.error_class in SAYS_NOTHING)
    failed = sum(each.count for each in window.errors) - silent
    judged = window.attempts - silent
    return f"{1 - failed / judged:.3f}" if judged > 0 else "?"


def _quantiles(quantiles: Quantiles | None, unit: str) -> str:
    if quantiles is None or not quantiles.count:
        return "?"
    return f"{figure(quantiles.p50)}{unit} ({figure(quantiles.p99)}{unit})"


def _cost(window: WindowStats) -> str:
    known = price(window.cost_nanos)
    ended = window.attempts + window.canceled
    return known if window.costed in (0, ended) else f"{known} of {window.costed:,}"


def _age(performance: Performance, window: WindowStats) -> str:
    if performance.time is None or window.last_time is None:
        return "?"
    return f"{span(max(0.0, (performance.time - window.last_time).total_seconds()))} ago"


def _time(performance: Performance) -> str:
    return "?" if performance.time is None else f"{performance.time:%Y-%m-%d %H:%M}Z"
