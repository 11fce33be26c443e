"""One table of candidates, searched: filter, count the excluded, take the best."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

import numpy as np

from airegistry.discovery.answers import Exclusion, Ranked
from airegistry.discovery.asking import Asking
from airegistry.discovery.costs import Costs
from airegistry.discovery.facts import Flag
from airegistry.discovery.filters import filtered
from airegistry.discovery.naming import NameTable
from airegistry.discovery.postings import Mask
from airegistry.discovery.preferences import Weights
from airegistry.discovery.ranking import Ranking
from airegistry.discovery.rates import DEFAULT_MIX
from airegistry.discovery.table import Table
from airegistry.resources.requirements import Requirements, TokenMix

_MIXES = 32
_RANKINGS = 32
_MOST_NAMES = 100

_Value = TypeVar("_Value")


class Candidates:
    """The endpoints, or the agents, with the costs and rankings lately asked for."""

    def __init__(self, models: NameTable, capacity: int = 0) -> None:
        self.table = Table(capacity)
        self._models = models
        self._costs: OrderedDict[Hashable, Costs] = OrderedDict()
        self._rankings: OrderedDict[Hashable, Ranking] = OrderedDict()

    def search(
        self, requirements: Requirements, weights: Weights, *, limit: int, name_excluded: bool
    ) -> tuple[tuple[Ranked, ...], int, tuple[Exclusion, ...]]:
        """Return the best, how many passed all filters, and how many each filter cut."""
        mix = requirements.usage or DEFAULT_MIX
        costs = self._costs_of(mix)
        asking = Asking(requirements, mix, table=self.table, costs=costs, models=self._models)
        left, count, exclusions = self._sift(asking, _MOST_NAMES if name_excluded else 0)
        ranking = self._ranking_of(weights, mix, costs)
        return ranking.best(left, count, limit), count, tuple(exclusions)

    def _sift(self, asking: Asking, names_left: int) -> tuple[Mask, int, list[Exclusion]]:
        left, count = self.table.flags[Flag.PRESENT], len(self.table)
        exclusions = []
        for reason, passed in filtered(asking):
            kept = left & passed
            kept_count = int(np.count_nonzero(kept))
            if kept_count < count:
                names = self._names(left & ~passed, names_left) if names_left else ()
                names_left -= len(names)
                exclusions.append(Exclusion(reason, count - kept_count, names))
            left, count = kept, kept_count
        return left, count, exclusions

    def _names(self, rows: Mask, most: int) -> tuple[str, ...]:
        picked = np.flatnonzero(rows)
        picked = picked[np.argsort(self.table.name_numbers[picked])][:most]
        return tuple([self.table.names[row] for row in picked.tolist()])

    def _costs_of(self, mix: TokenMix) -> Costs:
        costs = _recent(self._costs, mix, lambda: Costs(self.table, mix), _MIXES)
        costs.catch_up()
        return costs

    def _ranking_of(self, weights: Weights, mix: TokenMix, costs: Costs) -> Ranking:
        ranking = _recent(self._rankings, (weights, mix), lambda: Ranking(self.table, costs, weights), _RANKINGS)
        ranking.catch_up()
        return ranking


def _recent(held: OrderedDict[Hashable, _Value], key: Hashable, make: Callable[[], _Value], most: int) -> _Value:
    value = held.get(key)
    if value is None:
        value = held[key] = make()
        if len(held) > most:
            held.popitem(last=False)
    else:
        held.move_to_end(key)
    return value
