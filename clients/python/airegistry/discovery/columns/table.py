"""Columns over candidates: a row is written in microseconds, and what was derived from the columns can follow."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from airegistry.discovery.answers import ScoreBasis
from airegistry.discovery.columns.journal import Journal
from airegistry.discovery.columns.marks import MarkColumns
from airegistry.discovery.columns.masks import Mask, rows_of
from airegistry.discovery.columns.name_order import NameOrder
from airegistry.discovery.columns.prices import RateColumns
from airegistry.discovery.columns.row_set import RowSet
from airegistry.discovery.evidence.case import Case, case_of
from airegistry.discovery.evidence.judging import Judged
from airegistry.discovery.evidence.measured import Measured
from airegistry.discovery.rows.change import Change
from airegistry.discovery.rows.claims import NO_CLAIMS, Claims
from airegistry.discovery.rows.row import Facts, Mark, Number
from airegistry.discovery.rows.values import Value

_LEAST = 64
_GROWTH = 1.25

VALUES = LATENCY, RELIABILITY, QUALITY, LOAD, EXPLORATION = range(5)
"""The places of values; that of cost depends on the query."""

_FIRST_JUDGED = Number.TIME_TO_FIRST_TOKEN

_Scalar = TypeVar("_Scalar", bound=np.generic)


class Table:
    """Rows by name; a freed row is used again.

    Columns are lent: only the table writes to them, and none is to be kept, for they move. `journal` says which rows
    changed, `scores` those of which a score or its explanation may have changed.
    """

    def __init__(self, capacity: int = 0) -> None:
        self.capacity = capacity = max(capacity, _LEAST)
        self.marks = MarkColumns(capacity)
        self.names: list[str] = []
        self.models: list[str] = []
        self.numbers: NDArray[np.float64] = np.zeros((len(Number), capacity))
        self.values: NDArray[np.float64] = np.zeros((len(VALUES), capacity))
        self.bases: NDArray[np.int8] = np.full((len(VALUES), capacity), ScoreBasis.PRIOR, np.int8)
        self.name_numbers: NDArray[np.int64] = np.zeros(capacity, np.int64)
        self.rates = RateColumns(capacity)
        self.journal, self.scores = Journal(), Journal()
        self._claims: list[Claims] = []
        self._measured: list[Measured | None] = []
        self._moments: NDArray[np.int64] = np.zeros(capacity, np.int64)
        self._present = RowSet()
        self._rows: dict[str, int] = {}
        self._free: list[int] = []
        self._order = NameOrder()

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    @property
    def present(self) -> Mask:
        """The rows that are taken."""
        return self._present.mask(self.capacity)

    def having(self, kind: Mark, text: str) -> list[str]:
        """Return the names of those with a mark."""
        return [self.names[row] for row in rows_of(self.marks.rows(kind, text)).tolist()]

    def row(self, name: str) -> int:
        """Return the row of a name that is there."""
        return self._rows[name]

    def is_judged_by(self, name: str, claims: Claims, measured: Measured | None) -> bool:
        """Say whether a name is there, and judged by the same as it was."""
        row = self._rows.get(name)
        return row is not None and self._measured[row] is measured and self._claims[row] == claims

    def case(self, row: int, moment: int | None = None) -> Case:
        """Return what a row is judged by, at the moment when it was or at another one."""
        at = int(self._moments[row]) if moment is None else moment
        return case_of(self._claims[row], self._measured[row], at)

    def put(self, name: str, facts: Facts, judged: Judged | None) -> int:
        """Write the row of a name, a new one if need be, and return it; what is None stays as it is."""
        row = self._rows.get(name)
        if row is None:
            row = self._take_row(name)
        self.marks.write(row, facts.marks)
        self.models[row] = facts.model
        self.numbers[:_FIRST_JUDGED, row] = facts.numbers
        self._value(QUALITY, row, facts.quality)
        self.rates.write(row, facts.rates)
        if judged is not None:
            self._judge(row, judged)
        self.journal.add(row)
        self.scores.add(row)
        return row

    def change(self, name: str, change: Change) -> None:
        """Write what is another in the row of a name that is there."""
        row = self._rows[name]
        self.marks.replace(row, change.gone, change.come)
        if change.rates is not None:
            self.rates.write(row, change.rates)
            self.scores.add(row)
        self.journal.add(row)

    def observe(self, name: str, measured: Measured | None) -> int:
        """Keep what was measured of a name that is there for when its row is judged, and return the row."""
        row = self._rows[name]
        self._measured[row] = measured
        return row

    def judge(self, row: int, judged: Judged) -> None:
        """Write anew what measurements change in a row."""
        self._judge(row, judged)
        self.scores.add(row)

    def remove(self, name: str) -> int:
        """Free the row of a name that is there, and return it."""
        row = self._rows.pop(name)
        self._order.remove(name)
        self.marks.write(row, frozenset())
        self._present.remove(row)
        self.names[row] = self.models[row] = ""
        self._claims[row], self._measured[row] = NO_CLAIMS, None
        self._free.append(row)
        self.journal.add(row)
        self.scores.add(row)
        return row

    def _judge(self, row: int, judged: Judged) -> None:
        self._claims[row], self._measured[row], self._moments[row] = judged.case
        self._value(LATENCY, row, judged.latency)
        self._value(RELIABILITY, row, judged.reliability)
        self._value(LOAD, row, judged.load)
        self._value(EXPLORATION, row, judged.exploration)
        self.numbers[_FIRST_JUDGED:, row] = judged.numbers

    def _value(self, place: int, row: int, value: Value) -> None:
        self.values[place, row], self.bases[place, row] = value

    def _take_row(self, name: str) -> int:
        if not self._free:
            self._free.append(len(self.names))
            self.names.append("")
            self.models.append("")
            self._claims.append(NO_CLAIMS)
            self._measured.append(None)
            self.marks.add_row()
            if len(self.names) > self.capacity:
                self._grow(int(self.capacity * _GROWTH))
        row = self._rows[name] = self._free.pop()
        self._present.add(row)
        self.names[row] = name
        for each, number in self._order.add(name):
            self.name_numbers[self._rows[each]] = number
        return row

    def _grow(self, capacity: int) -> None:
        more = capacity - self.capacity
        self.capacity = capacity
        self.marks.grow(capacity)
        self.numbers = _widened(self.numbers, more)
        self.values = _widened(self.values, more)
        self.bases = _widened(self.bases, more)
        self._moments = np.concatenate([self._moments, np.zeros(more, np.int64)])
        self.name_numbers = np.concatenate([self.name_numbers, np.zeros(more, np.int64)])
        self.rates.grow(capacity)


def _widened(columns: NDArray[_Scalar], more: int) -> NDArray[_Scalar]:
    return np.concatenate([columns, np.zeros((columns.shape[0], more), columns.dtype)], axis=1)
