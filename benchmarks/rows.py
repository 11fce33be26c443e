"""The table of a run: what was measured, against what, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `holds` is None for what is only reported."""

    work: str
    figure: str
    reference: str = ""
    target: str = ""
    holds: bool | None = None


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which *share* of *values* lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """Return the middle of *values*."""
    return percentile(values, 0.5)


def print_table(rows: Iterable[Row], title: str) -> bool:
    """Print the rows and say whether all that have a target hold."""
    table = Table(title=title, show_lines=False)
    for column in ("work", "figure", "reference (same run)", "at least / at most", "holds"):
        table.add_column(column)
    held = True
    for row in rows:
        verdict = {True: "[green]yes", False: "[red]NO", None: ""}[row.holds]
        held = held and row.holds is not False
        table.add_row(row.work, row.figure, row.reference, row.target, verdict)
    Console(width=150).print(table)
    return held
