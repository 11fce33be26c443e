"""What a Discover found, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from airegistry.cli.scores import name_of, total_of
from airegistry.cli.tables import prices_per_unit, state, table
from airegistry.cli.values import number, price, safe
from airegistry.discovery.answers import Candidate, Exclusion, ExclusionReason
from airegistry.discovery.exclusions import UNKNOWN_MAY_PASS, in_words, reason_in_words
from airegistry.resources.model import ModelLimits
from airegistry.resources.resource import Resource

if TYPE_CHECKING:
    from rich.table import Table

    from airegistry.client.messages import DiscoverResponse

_SHOWN_NAMES = 5


def candidate_table(found: DiscoverResponse) -> Table:
    """Return the candidates in their order, with what people choose by."""
    columns = ("#", "NAME", "SCORE", "$/M IN", "$/M OUT", "CONTEXT", "INVOCABLE", "STATE")
    rows = (_row(rank, candidate) for rank, candidate in enumerate(found.candidates, 1))
    return table(columns, rows, right=("#", "SCORE", "$/M IN", "$/M OUT", "CONTEXT"))


def exclusion_lines(found: DiscoverResponse, *, named: bool) -> Iterator[str]:
    """Yield how many matched, whom the filters cut, and what to do when nothing is left."""
    shown = f"{len(found.candidates)} of {found.matched_count:,} that match" if found.matched_count else "none matches"
    yield f"{shown}, at revision {found.revision}"
    if found.exclusions:
        yield in_words(found.exclusions)
    for exclusion in found.exclusions if named else ():
        if exclusion.names:
            yield f"  {reason_in_words(exclusion.reason)}: {_examples(exclusion)}"
    if not found.candidates:
        yield from _advice(found.exclusions)


def _row(rank: int, candidate: Candidate) -> Sequence[str]:
    endpoint = candidate.resource.endpoint if candidate.resource is not None else None
    asked, given = prices_per_unit(endpoint.prices if endpoint is not None else None)
    return (
        str(rank),
        name_of(candidate),
        total_of(candidate),
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


def _examples(exclusion: Exclusion) -> str:
    more = exclusion.count - _SHOWN_NAMES
    return f"{safe(', '.join(exclusion.names[:_SHOWN_NAMES]))}{f' and {more:,} more' if more > 0 else ''}"


def _advice(exclusions: Iterable[Exclusion]) -> Iterator[str]:
    reasons = {exclusion.reason for exclusion in exclusions}
    if ExclusionReason.CREDENTIAL in reasons:
        yield "--any-credential also shows what cannot be invoked; `airegistry auto-register` names the keys you have"
    if reasons & UNKNOWN_MAY_PASS:
        yield "what is not known is no pass: --allow-unknown NAME, such as max-latency, lets it pass; * all of it"
    if not reasons:
        yield "the registry is empty: `airegistry import genai-prices` loads a catalog"
