"""Which rows satisfy a filter expression, remembered row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from airegistry.discovery.columns.bitsets import Bits, bits_of, rows_of
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
        self._known: Bits = 0
        self._satisfying: Bits = 0

    def among(self, rows: Bits) -> Bits:
        """Return those of the rows that satisfy the expression."""
        for _ in self.steps(rows):
            pass
        return self._satisfying & rows

    def steps(self, rows: Bits) -> Iterator[None]:
        """Evaluate the rows that are not known yet, pausing after every few: the table may change in a pause."""
        while True:
            self._catch_up()
            unknown = rows_of(rows & self._table.present & ~self._known, self._table.capacity)
            if not unknown.size:
                return
            some = unknown[:STEP]
            self._evaluate(some.tolist())
            if unknown.size > STEP:
                yield

    def _evaluate(self, rows: list[int]) -> None:
        evaluated, holding = (np.zeros(self._table.capacity, np.bool_) for _ in range(2))
        evaluated[rows] = True
        holding[[row for row in rows if self._expression.holds(*self._subjects(self._table.names[row]))]] = True
        self._known |= bits_of(evaluated)
        self._satisfying |= bits_of(holding)

    def _catch_up(self) -> None:
        changed = self._table.journal.since(self._position)
        self._position = self._table.journal.position
        if changed is None:
            self._known = self._satisfying = 0
        elif changed:
            stale = 0
            for row in set(changed):
                stale |= 1 << row
            self._known &= ~stale
            self._satisfying &= ~stale
