"""The order of candidates for one meaning of "best", kept in step with a table."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from airegistry.discovery.answers import Ranked, Score, ScoreBasis, ScorePart, ScorePartKind
from airegistry.discovery.columns.masks import Mask, rows_of
from airegistry.discovery.columns.table import Table
from airegistry.discovery.costs import Costs
from airegistry.discovery.evidence.picking import Figures, figures
from airegistry.discovery.ordering import Ordering, Rows
from airegistry.discovery.preferences import Weights
from airegistry.discovery.rows.row import YES, Mark

_FEW = 256
"""So many rows are sorted on the spot."""

_PATIENCE = 8
"""Sorting all rows costs about as much as this many queries without a sorted order."""

_MOST_EXPLAINED = 512
_SPARSE = 4
_KINDS = tuple(ScorePartKind)
_BASES = {int(basis): basis for basis in ScoreBasis}


class Ranking:
    """The best of any selection of rows, for one set of weights and one mix.

    A sorted order of all rows makes that a short walk. It is made when it was missed often enough, and follows the table.
    """

    def __init__(self, table: Table, costs: Costs, weights: Weights) -> None:
        self._table = table
        self.costs = costs
        self._weights = weights
        self._order: Ordering | None = None
        self._missed = 0
        self._explained: dict[int, Ranked] = {}
        self._seen = table.scores.position

    def catch_up(self) -> None:
        """Take in what changed in the table; the costs must have done so before."""
        rows = self._table.scores.since(self._seen)
        self._seen = self._table.scores.position
        if rows is None:
            self._explained.clear()
            self._order, self._missed = None, 0
            return
        for row in rows:
            self._explained.pop(row, None)
        if rows and self._order is not None:
            self._order.move([(row, self._total(row)) for row in set(rows)], self._table.name_numbers)

    def best(self, selected: Mask, count: int, limit: int) -> tuple[Ranked, ...]:
        """Return the best of the selected rows, of which there are *count*, explained."""
        order = self._order_for(count)
        if order is None:
            rows = self._sorted(rows_of(selected), limit).tolist()
        else:
            rows = order.best(selected, limit, self._table.name_numbers)
        return self._explained_rows(rows)

    def _order_for(self, count: int) -> Ordering | None:
        if count <= _FEW:
            return None
        if self._order is None:
            self._missed += 1
            if self._missed > _PATIENCE:
                everyone = rows_of(self._table.present)
                self._order = Ordering(everyone, self._totals(everyone), self._table.name_numbers)
        return self._order

    def _sorted(self, rows: Rows, limit: int) -> Rows:
        totals = self._totals(rows)
        if len(rows) > limit + _FEW:
            least = np.partition(totals, len(rows) - limit)[len(rows) - limit]
            kept = totals >= least
            rows, totals = rows[kept], totals[kept]
        return rows[np.lexsort((self._table.name_numbers[rows], -totals))[:limit]]

    def _totals(self, rows: Rows) -> NDArray[np.float64]:
        # Picking many rows out of each column takes longer than reading the columns through.
        if len(rows) * _SPARSE > self._table.capacity:
            return self._sums(slice(None))[rows]
        return self._sums(rows)

    def _sums(self, rows: Rows | slice) -> NDArray[np.float64]:
        # Term by term in the order of the parts, as an explanation does: a matrix product may round differently.
        totals = self.costs.values(rows) * self._weights[0]
        for weight, column in zip(self._weights[1:], self._table.values, strict=True):
            totals += column[rows] * weight
        return totals

    def _total(self, row: int) -> float:
        """Return what `_sums` has for one row; NaN when it is free."""
        if not self._table.names[row]:
            return math.nan
        total = self.costs.value(row) * self._weights[0]
        for weight, value in zip(self._weights[1:], self._table.values[:, row].tolist(), strict=True):
            total += value * weight
        return total

    def _explained_rows(self, wanted: list[int]) -> tuple[Ranked, ...]:
        explained = self._explained
        if len(explained) > _MOST_EXPLAINED:
            explained.clear()
        missing = [row for row in wanted if row not in explained]
        if missing:
            self._explain(missing)
        return tuple([explained[row] for row in wanted])

    def _explain(self, rows: list[int]) -> None:
        table, where = self._table, np.array(rows)
        values = zip(self.costs.values(where).tolist(), *table.values[:, where].tolist(), strict=True)
        bases = zip(*table.bases[:, where].tolist(), strict=True)
        for row, own_values, own_bases in zip(rows, values, bases, strict=True):
            nanos = self.costs.nanos(row)
            cost_basis = ScoreBasis.PRIOR if nanos is None else ScoreBasis.DECLARED
            own = (cost_basis, *(_BASES[basis] for basis in own_bases))
            score = self._score(own_values, own, figures(table.case(row)))
            invocable = table.marks.has(row, Mark.INVOCABLE, YES)
            self._explained[row] = Ranked(table.names[row], table.models[row], score, nanos, invocable)

    def _score(self, values: tuple[float, ...], bases: tuple[ScoreBasis, ...], shown: Figures) -> Score:
        contributions = [value * weight for value, weight in zip(values, self._weights, strict=True)]
        of_parts = [shown.get(kind, ()) for kind in _KINDS]
        parts = tuple(map(ScorePart, _KINDS, values, self._weights, contributions, bases, of_parts))
        total = 0.0
        for contribution in contributions:
            total += contribution
        return Score(total, parts)
