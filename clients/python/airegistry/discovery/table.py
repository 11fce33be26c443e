"""Columns over candidates: a row is written in microseconds, and what was derived from the columns can follow."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from airegistry.discovery.answers import ScoreBasis
from airegistry.discovery.facts import Facts, Flag, Number, Text
from airegistry.discovery.journal import Journal
from airegistry.discovery.name_order import NameOrder
from airegistry.discovery.postings import Mask, Postings
from airegistry.discovery.rate_columns import RateColumns

_LEAST = 64
_GROWTH = 1.25

VALUES = 4
"""The values of latency, reliability, quality and load; that of cost depends on the query."""

_Scalar = TypeVar("_Scalar", bound=np.generic)
_Texts = tuple[tuple[Text, str], ...]


class Table:
    """Rows by name. A freed row is used again; the flag PRESENT says which are taken.

    Columns are lent: only the table writes to them. `journal` says which rows changed; it is cut when columns move.
    """

    def __init__(self, capacity: int = 0) -> None:
        self._capacity = capacity = max(capacity, _LEAST)
        self.names: list[str] = []
        self.models: list[str] = []
        self.numbers: NDArray[np.float64] = np.zeros((len(Number), capacity))
        self.flags: NDArray[np.bool_] = np.zeros((len(Flag), capacity), np.bool_)
        self.values: NDArray[np.float64] = np.zeros((VALUES, capacity))
        self.bases: NDArray[np.int8] = np.full((VALUES, capacity), ScoreBasis.PRIOR, np.int8)
        self.name_numbers: NDArray[np.int64] = np.zeros(capacity, np.int64)
        self.texts = tuple(Postings(capacity) for _ in Text)
        self.rates = RateColumns(capacity)
        self.journal = Journal()
        self._texts: list[_Texts] = []
        self._rows: dict[str, int] = {}
        self._free: list[int] = []
        self._order = NameOrder()

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    @property
    def present(self) -> Mask:
        """Which rows are taken."""
        present: Mask = self.flags[Flag.PRESENT]
        return present

    def put(self, name: str, facts: Facts) -> None:
        """Write the row of a name, a new one if need be."""
        row = self._rows.get(name)
        if row is None:
            row = self._take_row(name)
        self._move_texts(row, facts.texts)
        self.models[row] = facts.model
        self.numbers[:, row] = facts.numbers
        self.flags[:, row] = facts.flags
        for place, (value, basis) in enumerate(facts.values):
            self.values[place, row] = value
            self.bases[place, row] = basis
        self.rates.write(row, facts.rates)
        self.journal.add(row)

    def remove(self, name: str) -> None:
        """Free the row of a name that is there."""
        row = self._rows.pop(name)
        self._order.remove(name)
        self._move_texts(row, ())
        self.flags[:, row] = False
        self.names[row] = self.models[row] = ""
        self._free.append(row)
        self.journal.add(row)

    def _take_row(self, name: str) -> int:
        if not self._free:
            self._free.append(len(self.names))
            self.names.append("")
            self.models.append("")
            self._texts.append(())
            if len(self.names) > self._capacity:
                self._grow(int(self._capacity * _GROWTH))
        row = self._rows[name] = self._free.pop()
        self.names[row] = name
        self._number(name, row)
        return row

    def _number(self, name: str, row: int) -> None:
        number = self._order.add(name)
        if number is not None:
            self.name_numbers[row] = number
            return
        for each, fresh in self._order.numbers():
            self.name_numbers[self._rows[each]] = fresh

    def _move_texts(self, row: int, texts: _Texts) -> None:
        old, new = dict.fromkeys(self._texts[row]), dict.fromkeys(texts)
        for column, value in old:
            if (column, value) not in new:
                self.texts[column].discard(value, row)
        for column, value in new:
            if (column, value) not in old:
                self.texts[column].add(value, row)
        self._texts[row] = texts

    def _grow(self, capacity: int) -> None:
        more = capacity - self._capacity
        self._capacity = capacity
        self.numbers = _widened(self.numbers, more)
        self.flags = _widened(self.flags, more)
        self.values = _widened(self.values, more)
        self.bases = _widened(self.bases, more)
        self.name_numbers = np.concatenate([self.name_numbers, np.zeros(more, np.int64)])
        for postings in self.texts:
            postings.grow(capacity)
        self.rates.grow(capacity)
        self.journal.cut()


def _widened(columns: NDArray[_Scalar], more: int) -> NDArray[_Scalar]:
    return np.concatenate([columns, np.zeros((columns.shape[0], more), columns.dtype)], axis=1)
