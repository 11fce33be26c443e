"""The order of all rows for one meaning of "best", kept in step with a table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from airegistry.discovery.answers import Ranked, Score, ScoreBasis, ScorePart, ScorePartKind
from airegistry.discovery.costs import Costs
from airegistry.discovery.facts import Flag
from airegistry.discovery.postings import Mask
from airegistry.discovery.preferences import Weights
from airegistry.discovery.rates import UNKNOWN_COST
from airegistry.discovery.table import Table

Rows = NDArray[np.intp]

_FEW = 256
"""So many rows are sorted on the spot."""

_PATIENCE = 8
"""Sorting all rows costs about as much as this many queries without a sorted order."""

_STRAY = 64
"""So many rows may have changed before the sorted order is given up."""

_FIRST_STRIDE = 128
_EXPLAINED = 1024


class Ranking:
    """Scores of all rows for one set of weights and one mix, and the best of any selection of them.

    A sorted order of all rows makes that a short walk. It is made when it was missed often enough. Rows that changed
    since stay where they are in it; they are skipped on the walk and merged in afterwards.
    """

    def __init__(self, table: Table, costs: Costs, weights: Weights) -> None:
        self._table = table
        self._costs = costs
        self._weights = weights
        self._explained: dict[int, Ranked] = {}
        self._order: Rows | None = None
        self._missed = 0
        self._stray: set[int] = set()
        self._compute()

    def catch_up(self) -> None:
        """Take in what changed in the table; the costs must have done so before."""
        rows = self._table.journal.since(self._seen)
        if rows is None:
            self._compute()
        elif rows:
            self._update(rows)

    def best(self, selected: Mask, count: int, limit: int) -> tuple[Ranked, ...]:
        """Return the best of the selected rows, of which there are *count*, explained."""
        if count > _FEW:
            self._sort_when_missed()
        if count <= _FEW or self._order is None:
            rows = self._first(np.flatnonzero(selected), limit)
        else:
            rows = self._walk(self._order, selected, limit)
        return tuple([self._ranked(row) for row in rows.tolist()])

    def _sort_when_missed(self) -> None:
        if self._order is None:
            self._missed += 1
            if self._missed >= _PATIENCE:
                self._order = self._sorted(np.flatnonzero(self._table.present))

    def _give_up_order(self) -> None:
        self._order = None
        self._missed = 0
        self._stray.clear()

    def _compute(self) -> None:
        self._totals = self._summed(self._costs.values, self._table.values)
        self._give_up_order()
        self._explained.clear()
        self._seen = self._table.journal.position

    def _update(self, changed: list[int]) -> None:
        rows = np.array(changed)
        self._totals[rows] = self._summed(self._costs.values[rows], self._table.values[:, rows])
        for row in changed:
            self._explained.pop(row, None)
        if self._order is not None:
            self._stray.update(changed)
            if len(self._stray) > _STRAY:
                self._give_up_order()
        self._seen = self._table.journal.position

    def _summed(self, costs: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
        # Term by term in the order of the parts: a matrix product may round differently for one row than for all.
        totals = costs * self._weights[0]
        for weight, column in zip(self._weights[1:], values, strict=True):
            totals += column * weight
        return np.minimum(totals, 1.0, out=totals)

    def _walk(self, order: Rows, selected: Mask, limit: int) -> Rows:
        stray = [row for row in self._stray if selected[row]]
        if self._stray:
            selected = selected.copy()
            selected[list(self._stray)] = False
        found: list[Rows] = []
        missing, start, stride = limit, 0, _FIRST_STRIDE
        while missing > 0 and start < len(order):
            stretch = order[start : start + stride]
            hits = stretch[selected[stretch]][:missing]
            found.append(hits)
            missing -= len(hits)
            start, stride = start + stride, stride * 4
        rows = found[0] if len(found) == 1 else np.concatenate(found)
        return self._first(np.concatenate([rows, stray]).astype(np.intp), limit) if stray else rows

    def _first(self, rows: Rows, limit: int) -> Rows:
        if len(rows) > max(_FEW, limit):
            totals = self._totals[rows]
            rows = rows[totals >= np.partition(totals, len(rows) - limit)[len(rows) - limit]]
        return self._sorted(rows)[:limit]

    def _sorted(self, rows: Rows) -> Rows:
        return rows[np.lexsort((self._table.name_numbers[rows], -self._totals[rows]))]

    def _ranked(self, row: int) -> Ranked:
        ranked = self._explained.get(row)
        if ranked is None:
            if len(self._explained) == _EXPLAINED:
                self._explained.clear()
            ranked = self._explained[row] = self._explain(row)
        return ranked

    def _explain(self, row: int) -> Ranked:
        table, nanos = self._table, int(self._costs.nanos[row])
        known = nanos != UNKNOWN_COST
        values = [float(self._costs.values[row]), *table.values[:, row].tolist()]
        bases = [ScoreBasis.DECLARED if known else ScoreBasis.PRIOR, *map(ScoreBasis, table.bases[:, row].tolist())]
        parts = tuple(
            ScorePart(kind, value, weight, value * weight, basis)
            for kind, value, weight, basis in zip(ScorePartKind, values, self._weights, bases, strict=True)
        )
        return Ranked(
            table.names[row],
            table.models[row],
            Score(float(self._totals[row]), parts),
            nanos if known else None,
            bool(table.flags[Flag.INVOCABLE, row]),
        )
