"""Serialized candidates, kept as long as nothing about them can have changed."""

from __future__ import annotations

from collections.abc import Iterable

from airegistry.discovery.answers import Ranked
from registry.catalog import Catalog
from registry.rpc import splice

MAX_BYTES = 8 * 1024 * 1024


class Candidates:
    """The candidates of one revision, each framed as an element of `DiscoverResponse.candidates`.

    The index answers with the same Ranked object until something about it changes, so its identity stands for all that it
    says. Queries that differ share most of their candidates, and putting one together costs more than finding it.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._revision = -1
        # The Ranked is kept too: its id means nothing once it is gone.
        self._made: dict[tuple[int, bool], tuple[Ranked, bytes]] = {}
        self._bytes = 0

    def framed(self, candidates: Iterable[Ranked], *, with_models: bool) -> list[bytes]:
        """Return each of *candidates* with its tag and length."""
        if self._revision != self._catalog.revision or self._bytes > MAX_BYTES:
            self._forget()
        return [
            made[1] if (made := self._made.get((id(ranked), with_models))) else self._keep(ranked, with_models)
            for ranked in candidates
        ]

    def _keep(self, ranked: Ranked, with_model: bool) -> bytes:  # noqa: FBT001 - half of the key
        made = self._make(ranked, with_model=with_model)
        self._made[id(ranked), with_model] = (ranked, made)
        self._bytes += len(made)
        return made

    def _make(self, ranked: Ranked, *, with_model: bool) -> bytes:
        entries = self._catalog.entries
        return splice.candidate(
            entries[ranked.name].wire,
            entries[ranked.model].wire if with_model and ranked.model else None,
            ranked.score,
            cost_nanos=ranked.cost_nanos,
            invocable=ranked.invocable,
        )

    def _forget(self) -> None:
        self._revision = self._catalog.revision
        self._made.clear()
        self._bytes = 0
