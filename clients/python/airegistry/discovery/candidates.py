"""One table of candidates, searched: filter, count the excluded, take the best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest

from airegistry.discovery.answers import Exclusion, Ranked
from airegistry.discovery.asking import Asking
from airegistry.discovery.columns.bitsets import Bits, rows_of
from airegistry.discovery.columns.table import Table
from airegistry.discovery.costs import Costs
from airegistry.discovery.expressions import Expression
from airegistry.discovery.filters import filtered
from airegistry.discovery.naming import NameTable
from airegistry.discovery.preferences import Weights
from airegistry.discovery.ranking import Ranking
from airegistry.discovery.recent import Recent
from airegistry.discovery.rows.rates import DEFAULT_MIX
from airegistry.discovery.satisfying import Satisfying, Subjects
from airegistry.resources.requirements import Requirements, TokenMix

_MIXES = 32
_RANKINGS = 16
_EXPRESSIONS = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """What is required: `names` are the requirements that are set, `expression` is the filter among them.

    `spoken` are the dialects one of which a candidate must have; none: any will do.
    """

    requirements: Requirements
    names: tuple[str, ...]
    expression: Expression | None = None
    spoken: tuple[str, ...] = ()


class Candidates:
    """The endpoints, or the agents, with the costs, the rankings and the expressions lately asked for."""

    def __init__(self, models: NameTable, subjects: Subjects, capacity: int = 0) -> None:
        self.table = Table(capacity)
        self._models = models
        self._subjects = subjects
        self._expressions: Recent[Satisfying] = Recent(_EXPRESSIONS)
        self._costs: Recent[Costs] = Recent(_MIXES)
        self._rankings: Recent[Ranking] = Recent(_RANKINGS)

    def search(
        self, asked: Asked, weights: Weights, limit: int, names: int
    ) -> tuple[tuple[Ranked, ...], int, tuple[Exclusion, ...]]:
        """Return the best, how many passed all filters, and how many each filter cut.

        Up to *names* of those that were cut are named.
        """
        mix = asked.requirements.usage or DEFAULT_MIX
        costs = self._costs_of(mix)
        left, count, exclusions = self._sift(self._asking(asked, mix, costs), asked.names, names)
        ranking = self._ranking_of(weights, mix, costs)
        return ranking.best(left, count, limit), count, exclusions

    def prepare(self, asked: Asked) -> Iterator[None]:
        """Evaluate the filter expression step by step, so that a search finds it done; others may run in between."""
        satisfying = self._satisfying_of(asked)
        if satisfying is not None:
            mix = asked.requirements.usage or DEFAULT_MIX
            cheap = tuple(name for name in asked.names if name != "filter")
            left, _, _ = self._sift(self._asking(asked, mix, self._costs_of(mix)), cheap, 0)
            yield from satisfying.steps(left)

    def _asking(self, asked: Asked, mix: TokenMix, costs: Costs) -> Asking:
        asking = Asking(
            asked.requirements,
            mix,
            table=self.table,
            costs=costs,
            models=self._models,
            satisfying=self._satisfying_of(asked),
        )
        asking.spoken = asked.spoken
        return asking

    def _sift(self, asking: Asking, asked: tuple[str, ...], names_left: int) -> tuple[Bits, int, tuple[Exclusion, ...]]:
        left, count = self.table.present, len(self.table)
        exclusions = []
        for reason, passed in filtered(asking, asked):
            kept = left & passed
            # Most of the filters that always hold cut nobody, and to compare takes a tenth of counting.
            kept_count = count if kept == left else kept.bit_count()
            if kept_count < count:
                names = self._names(left & ~passed, names_left) if names_left else ()
                names_left -= len(names)
                exclusions.append(Exclusion(reason, count - kept_count, names))
            left, count = kept, kept_count
            asking.left = left
        return left, count, tuple(exclusions)

    def _names(self, rows: Bits, most: int) -> tuple[str, ...]:
        names = (self.table.names[row] for row in rows_of(rows, self.table.capacity).tolist())
        return tuple(nsmallest(most, names))

    def _satisfying_of(self, asked: Asked) -> Satisfying | None:
        if asked.expression is None:
            return None
        text = asked.requirements.filter
        satisfying = self._expressions.get(text)
        if satisfying is None:
            satisfying = Satisfying(self.table, asked.expression, self._subjects)
            self._expressions.put(text, satisfying)
        return satisfying

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
