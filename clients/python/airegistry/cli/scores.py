"""Why candidates stand where they stand, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from airegistry.cli.tables import table
from airegistry.cli.values import figure, price, safe, seconds, span
from airegistry.discovery.answers import Candidate, ScoreBasis, ScoreFigure, ScoreFigureKind, ScorePart, ScorePartKind

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from airegistry.client.messages import DiscoverResponse

_BASES = {
    ScoreBasis.MEASURED: ("m", "green"),
    ScoreBasis.MIXED: ("x", "yellow"),
    ScoreBasis.DECLARED: ("d", "cyan"),
    ScoreBasis.PRIOR: ("p", "dim"),
}
_LEGEND = (
    "score: the sum of value * weight; m measured, x too little of it, d declared, p nothing known: a prior; "
    "$: --usage, else a million tokens, 3 in to 1 out; of an agent, a task"
)
_FIGURES = {
    ScoreFigureKind.TIME_TO_FIRST_TOKEN: ("first token", seconds),
    ScoreFigureKind.TOKENS_PER_SECOND: ("tokens/s", figure),
    ScoreFigureKind.DURATION: ("whole answer", seconds),
    ScoreFigureKind.SUCCESS_SHARE: ("reliability", "{:.4g}".format),
    ScoreFigureKind.REQUESTS_PER_MINUTE: ("requests/min", "{:,.0f}".format),
    ScoreFigureKind.TOKENS_PER_MINUTE: ("tokens/min", "{:,.0f}".format),
    ScoreFigureKind.RATE_LIMITED_SHARE: ("rate limited", figure),
    ScoreFigureKind.LOAD: ("load", figure),
}


def figure_table(found: DiscoverResponse, now: datetime) -> Table | None:
    """Return what is declared and what was measured of each candidate, with count and age; None when nothing is."""
    rows = list(_figure_rows(found, now))
    if not rows:
        return None
    columns = ("#", "WHAT", "DECLARED", "MEASURED", "SAMPLES", "OVER", "LAST")
    return table(columns, rows, right=("#", *columns[2:]))


def score_table(found: DiscoverResponse) -> Table:
    """Return the candidates with the value of each part of their scores, and what the value rests on.

    The weights are those of the query, hence the same for all: they stand in the head.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, caption=_LEGEND, caption_justify="left")
    weights = _parts(found.candidates[0])
    shown.add_column("#", justify="right")
    shown.add_column("NAME", overflow="fold")
    shown.add_column("$", justify="right")
    shown.add_column("SCORE", justify="right")
    for kind in ScorePartKind:
        shown.add_column(
            f"{kind.name}\n* {weights[kind].weight:.3g}" if kind in weights else kind.name, justify="right"
        )
    for rank, candidate in enumerate(found.candidates, 1):
        parts = _parts(candidate)
        shown.add_row(
            Text(str(rank)),
            Text(safe(name_of(candidate))),
            Text(price(candidate.cost_nanos)),
            Text(total_of(candidate), style="bold"),
            *(_part(parts.get(kind)) for kind in ScorePartKind),
        )
    return shown


def name_of(candidate: Candidate) -> str:
    """Return the name of a candidate, as it is shown."""
    return candidate.resource.name if candidate.resource is not None else "?"


def total_of(candidate: Candidate) -> str:
    """Return the score of a candidate, as it is shown."""
    return f"{candidate.score.total:.3f}" if candidate.score is not None else "?"


def _figure_rows(found: DiscoverResponse, now: datetime) -> Iterator[Sequence[str]]:
    for rank, candidate in enumerate(found.candidates, 1):
        place = str(rank)
        for part in candidate.score.parts if candidate.score is not None else ():
            for one in part.figures:
                yield place, *_figure_cells(one, now)
                place = ""


def _figure_cells(one: ScoreFigure, now: datetime) -> Sequence[str]:
    what, shown = _FIGURES[one.kind] if one.kind is not None else ("?", figure)
    declared = "-" if one.declared is None else shown(one.declared)
    if one.measured is None:
        return what, declared, "-", "-", "-", "-"
    age = None if one.last_time is None else max(0.0, (now - one.last_time).total_seconds())
    return what, declared, shown(one.measured), f"{one.samples:,}", span(one.window), f"{span(age)} ago"


def _parts(candidate: Candidate) -> dict[ScorePartKind, ScorePart]:
    parts = candidate.score.parts if candidate.score is not None else ()
    return {part.kind: part for part in parts if part.kind is not None}


def _part(part: ScorePart | None) -> Text:
    from rich.text import Text

    if part is None:
        return Text("-", style="dim")
    letter, style = _BASES[part.basis] if part.basis is not None else ("", "")
    return Text(f"{part.value:.3f} {letter}", style=style)
