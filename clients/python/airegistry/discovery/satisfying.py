"""Which rows satisfy a filter expression, remembered row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from airegistry.discovery.columns.masks import Mask, mask_at, rows_of, widened
from airegistry.discovery.columns.table import Table
from airegistry.discovery.expressions import Expression
from airegistry.resources.resource import Resource

Subjects = Callable[[str], tuple[Resource, Resource | None]]
"""Returns the resource of a row's name, and the model of an endpoint."""

STEP = 128
"""Rows evaluated at once: some milliseconds."""


class Satisfying:
    """The rows that satisfy one expression, as far as anybody asked: evaluating costs microseconds a row, looking up none.

    It follows the table: a row that changed, or whose model did, is evaluated again when it is asked for.
    """

    def __init__(self, table: Table, expression: Expression, subjects: Subjects) -> None:
        self._table = table
        self._expression = expression
        self._subjects = subjects
        self._position = table.journal.position
        self._known: Mask = np.zeros(table.capacity, np.bool_)
        self._satisfying: Mask = np.zeros(table.capacity, np.bool_)

    def among(self, rows: Mask) -> Mask:
        """Return those of the rows that satisfy the expression."""
        for _ in self.steps(rows):
            pass
        return self._satisfying & widened(rows, self._table.capacity)

    def steps(self, rows: Mask) -> Iterator[None]:
        """Evaluate the rows that are not known yet, pausing after every few: the table may change in a pause."""
        while True:
            self._catch_up()
            unknown = rows_of(widened(rows, self._table.capacity) & self._table.present & ~self._known)
            if not unknown.size:
                return
            some = unknown[:STEP]
            self._evaluate(some.tolist())
            if unknown.size > STEP:
                yield

    def _evaluate(self, rows: list[int]) -> None:
        holding = [row for row in rows if self._expression.holds(*self._subjects(self._table.names[row]))]
        self._known |= mask_at(rows, self._table.capacity)
        self._satisfying |= mask_at(holding, self._table.capacity)

    def _catch_up(self) -> None:
        changed = self._table.journal.since(self._position)
        self._position = self._table.journal.position
        capacity = self._table.capacity
        self._known, self._satisfying = widened(self._known, capacity), widened(self._satisfying, capacity)
        if changed is None:
            self._known.fill(0)
            self._satisfying.fill(0)
        elif changed:
            kept = ~mask_at(changed, capacity)
            self._known &= kept
            self._satisfying &= kept
