"""The marks of all rows: which rows have a mark, and, packed, which marks a row has."""

from __future__ import annotations

from array import array
from collections.abc import Collection

import numpy as np

from airegistry.discovery.columns.masks import Mask
from airegistry.discovery.columns.row_set import RowSet
from airegistry.discovery.columns.standing import WANTED, Standing
from airegistry.discovery.rows.row import YES, Mark, Marks

_SHORT, _LONG = b"H", b"I"
_MOST_SHORT = 2**16
_NONE = _SHORT
_One = tuple[Mark, str]
_LAST_FIXED, _FIRST_STANDING = Mark.SKILL, Mark.IN_USE


class MarkColumns:
    """Marks by row. A mark has a number while any row has it, and a row keeps the numbers of its marks in ascending order.

    `version` is another one after any change of those up to SKILL, which
    every row has some of, `texts_version` after a mark came that no
    row had, or went.
    """

    def __init__(self, capacity: int) -> None:
        self.version = self.texts_version = 0
        self.standing = Standing(0)
        self.grow(capacity)
        self._numbers: tuple[dict[str, int], ...] = tuple({} for _ in Mark)
        # No mark has the number 0.
        self._texts: list[tuple[int, str]] = [(0, "")]
        self._sets: list[RowSet] = [RowSet()]
        self._free: list[int] = []
        self._of_rows: list[bytes] = []

    def grow(self, capacity: int) -> None:
        """Make room for that many rows."""
        self._capacity = capacity
        self.standing.grow(capacity)
        self.nobody: Mask = np.zeros(capacity, np.bool_)

    def rows(self, kind: Mark, text: str) -> Mask:
        """Return the rows with a mark."""
        number = self._numbers[kind].get(text)
        return self.nobody if number is None else self._sets[number].mask(self._capacity)

    def has(self, row: int, kind: Mark, text: str) -> bool:
        """Say whether a row has a mark."""
        number = self._numbers[kind].get(text)
        return number is not None and self._sets[number].has(row)

    def texts(self, kind: Mark) -> Collection[str]:
        """Return the texts that any row has of a kind of mark."""
        return self._numbers[kind].keys()

    def add_row(self) -> None:
        """Make room for one row more."""
        self._of_rows.append(_NONE)

    def write(self, row: int, marks: Marks) -> None:
        """Set the marks of a row."""
        self._write(row, set(_unpacked(self._of_rows[row])), {self._number(*mark) for mark in marks})

    def replace(self, row: int, before: Collection[_One], after: Collection[_One]) -> None:
        """Give a row some marks in the place of others that it has."""
        if before == after:
            return
        has = set(_unpacked(self._of_rows[row]))
        gone = {self._numbers[kind][text] for kind, text in before if (kind, text) not in after}
        come = {self._number(*mark) for mark in after if mark not in before}
        self._write(row, has, (has - gone) | come)

    def _write(self, row: int, before: set[int], after: set[int]) -> None:
        if before == after:
            return
        self._of_rows[row] = _packed(sorted(after))
        moved = self._move(row, before, after)
        if min(moved) <= _LAST_FIXED:
            self.version += 1
        # A new row may lack all of it.
        if not before or max(moved) >= _FIRST_STANDING:
            self.standing.write(row, [self.has(row, kind, YES) for kind in WANTED] if after else ())

    def _number(self, kind: Mark, text: str) -> int:
        return self._numbers[kind].get(text) or self._take(kind, text)

    def _move(self, row: int, before: set[int], after: set[int]) -> set[int]:
        moved = {self._texts[number][0] for number in before ^ after}
        for number in after - before:
            self._sets[number].add(row)
        for number in before - after:
            rows = self._sets[number]
            rows.remove(row)
            if not rows:
                self._forget(number)
        return moved

    def _take(self, kind: Mark, text: str) -> int:
        """Return a number for a mark that no row has yet."""
        if not self._free:
            self._free.append(len(self._sets))
            self._sets.append(RowSet())
            self._texts.append((0, ""))
        self.texts_version += 1
        number = self._numbers[kind][text] = self._free.pop()
        self._texts[number] = (kind, text)
        return number

    def _forget(self, number: int) -> None:
        self.texts_version += 1
        kind, text = self._texts[number]
        del self._numbers[kind][text]
        self._sets[number] = RowSet()
        self._free.append(number)


def _packed(numbers: list[int]) -> bytes:
    """Return ascending numbers as bytes, two of them for each where that is enough."""
    code = _LONG if numbers and numbers[-1] >= _MOST_SHORT else _SHORT
    return code + array(code.decode(), numbers).tobytes()


def _unpacked(packed: bytes) -> array[int]:
    return array(packed[:1].decode(), packed[1:])
