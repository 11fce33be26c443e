"""What a Discover found, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from airegistry.cli.tables import prices_per_unit, state, table
from airegistry.cli.values import number, price, safe
from airegistry.discovery.answers import Candidate, Exclusion, ExclusionReason, ScoreBasis, ScorePart, ScorePartKind
from airegistry.resources.model import ModelLimits
from airegistry.resources.resource import Resource

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from airegistry.client.messages import DiscoverResponse

_SHOWN_NAMES = 5
_BASES = {ScoreBasis.MEASURED: ("m", "green"), ScoreBasis.DECLARED: ("d", "cyan"), ScoreBasis.PRIOR: ("p", "dim")}
_LEGEND = "score: the sum of value * weight; m measured, d declared, p nothing known: a prior"


def candidate_table(found: DiscoverResponse) -> Table:
    """Return the candidates in their order, with what people choose by."""
    columns = ("#", "NAME", "SCORE", "$/M IN", "$/M OUT", "CONTEXT", "INVOCABLE", "STATE")
    rows = (_row(rank, candidate) for rank, candidate in enumerate(found.candidates, 1))
    return table(columns, rows, right=("#", "SCORE", "$/M IN", "$/M OUT", "CONTEXT"))


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
    shown.add_column("SCORE", justify="right")
    for kind in ScorePartKind:
        shown.add_column(
            f"{kind.name}\n* {weights[kind].weight:.2f}" if kind in weights else kind.name, justify="right"
        )
    for rank, candidate in enumerate(found.candidates, 1):
        parts = _parts(candidate)
        shown.add_row(
            Text(str(rank)),
            Text(safe(_name(candidate.resource))),
            Text(_total(candidate), style="bold"),
            *(_part(parts.get(kind)) for kind in ScorePartKind),
        )
    return shown


def exclusion_lines(found: DiscoverResponse, *, named: bool) -> Iterator[str]:
    """Yield how many matched, whom the filters cut, and what to do when nothing is left."""
    shown = len(found.candidates)
    yield f"{shown} of {found.matched_count:,} that match, at revision {found.revision}"
    for exclusion in found.exclusions:
        yield f"  {exclusion.count:,} cut by {_reason(exclusion.reason)}{_examples(exclusion.names) if named else ''}"
    if not found.candidates:
        yield from _advice(found.exclusions)


def _row(rank: int, candidate: Candidate) -> Sequence[str]:
    endpoint = candidate.resource.endpoint if candidate.resource is not None else None
    asked, given = prices_per_unit(endpoint.prices if endpoint is not None else None)
    return (
        str(rank),
        _name(candidate.resource),
        _total(candidate),
        price(asked),
        price(given),
        number(_context(endpoint.limits if endpoint is not None else None, candidate.model)),
        "yes" if candidate.invocable else "no",
        state(candidate.resource.status if candidate.resource is not None else None),
    )


def _context(own: ModelLimits | None, model: Resource | None) -> int | None:
    if own is not None and own.context_tokens is not None:
        return own.context_tokens
    limits = model.model.limits if model is not None and model.model is not None else None
    return limits.context_tokens if limits is not None else None


def _parts(candidate: Candidate) -> dict[ScorePartKind, ScorePart]:
    parts = candidate.score.parts if candidate.score is not None else ()
    return {part.kind: part for part in parts if part.kind is not None}


def _part(part: ScorePart | None) -> Text:
    from rich.text import Text

    if part is None:
        return Text("-", style="dim")
    letter, style = _BASES[part.basis] if part.basis is not None else ("", "")
    return Text(f"{part.value:.3f} {letter}", style=style)


def _name(resource: Resource | None) -> str:
    return resource.name if resource is not None else "?"


def _total(candidate: Candidate) -> str:
    return f"{candidate.score.total:.3f}" if candidate.score is not None else "?"


def _reason(reason: ExclusionReason | None) -> str:
    return "a filter" if reason is None else reason.name.lower().replace("_", " ")


def _examples(names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return f": {safe(', '.join(names[:_SHOWN_NAMES]))}{more}"


def _advice(exclusions: Iterable[Exclusion]) -> Iterator[str]:
    reasons = {exclusion.reason for exclusion in exclusions}
    if ExclusionReason.CREDENTIAL in reasons:
        yield "--any-credential also shows what cannot be invoked; `airegistry auto-register` names the keys you have"
    if not reasons:
        yield "the registry is empty: `airegistry import genai-prices` loads a catalog"
