"""One table of candidates, searched: filter, count the excluded, take the best."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest

from airegistry.discovery.answers import Exclusion, ExclusionReason, Ranked
from airegistry.discovery.asking import Asking
from airegistry.discovery.columns.bitsets import Bits, rows_of
from airegistry.discovery.columns.table import Table
from airegistry.discovery.costs import Costs
from airegistry.discovery.filters import filtered
from airegistry.discovery.naming import NameTable
from airegistry.discovery.preferences import Weights
from airegistry.discovery.ranking import Ranking
from airegistry.discovery.recent import Recent
from airegistry.discovery.rows.rates import DEFAULT_MIX
from airegistry.resources.requirements import Requirements, TokenMix

_MIXES = 32
_RANKINGS = 16


class Candidates:
    """The endpoints, or the agents, with the costs and rankings lately asked for."""

    def __init__(self, models: NameTable, capacity: int = 0) -> None:
        self.table = Table(capacity)
        self._models = models
        self._costs: Recent[Costs] = Recent(_MIXES)
        self._rankings: Recent[Ranking] = Recent(_RANKINGS)

    def search(
        self, requirements: Requirements, asked: tuple[str, ...], weights: Weights, limit: int, names: int
    ) -> tuple[tuple[Ranked, ...], int, tuple[Exclusion, ...]]:
        """Return the best, how many passed all filters, and how many each filter cut; *asked* names what is required.

        Up to *names* of those that were cut are named.
        """
        mix = requirements.usage or DEFAULT_MIX
        costs = self._costs_of(mix)
        asking = Asking(requirements, mix, table=self.table, costs=costs, models=self._models)
        left, count, exclusions = self._sift(filtered(asking, asked), names)
        ranking = self._ranking_of(weights, mix, costs)
        return ranking.best(left, count, limit), count, exclusions

    def _sift(
        self, filters: Iterator[tuple[ExclusionReason, Bits]], names_left: int
    ) -> tuple[Bits, int, tuple[Exclusion, ...]]:
        left, count = self.table.present, len(self.table)
        exclusions = []
        for reason, passed in filters:
            kept = left & passed
            kept_count = kept.bit_count()
            if kept_count < count:
                names = self._names(left & ~passed, names_left) if names_left else ()
                names_left -= len(names)
                exclusions.append(Exclusion(reason, count - kept_count, names))
            left, count = kept, kept_count
        return left, count, tuple(exclusions)

    def _names(self, rows: Bits, most: int) -> tuple[str, ...]:
        names = (self.table.names[row] for row in rows_of(rows, self.table.capacity).tolist())
        return tuple(nsmallest(most, names))

    def _costs_of(self, mix: TokenMix) -> Costs:
        costs = self._costs.get(mix)
        if costs is None:
            costs = Costs(self.table, mix)
            self._costs.put(mix, costs)
        costs.catch_up()
        return costs

    def _ranking_of(self, weights: Weights, mix: TokenMix, costs: Costs) -> Ranking:
        key = weights, mix
        ranking = self._rankings.get(key)
        if ranking is None or ranking.costs is not costs:
            ranking = Ranking(self.table, costs, weights)
            self._rankings.put(key, ranking)
        ranking.catch_up()
        return ranking
