"""The marks of all rows: which rows have a mark, and, packed, which marks a row has."""

from __future__ import annotations

from array import array
from collections.abc import Collection

from airegistry.discovery.columns.bitsets import Bits
from airegistry.discovery.columns.row_set import RowSet
from airegistry.discovery.rows.row import Mark, Marks

_SHORT, _LONG = b"H", b"I"
_MOST_SHORT = 2**16
_NONE = _SHORT


class MarkColumns:
    """Marks by row. A mark has a number while any row has it, and a row keeps the numbers of its marks in ascending order."""

    def __init__(self) -> None:
        self._numbers: tuple[dict[str, int], ...] = tuple({} for _ in Mark)
        # No mark has the number 0.
        self._texts: list[tuple[int, str]] = [(0, "")]
        self._sets: list[RowSet] = [RowSet()]
        self._free: list[int] = []
        self._of_rows: list[bytes] = []

    def rows(self, kind: Mark, text: str) -> Bits:
        """Return the rows with a mark."""
        number = self._numbers[kind].get(text)
        return 0 if number is None else self._sets[number].bits()

    def texts(self, kind: Mark) -> Collection[str]:
        """Return the texts that any row has of a kind of mark."""
        return self._numbers[kind].keys()

    def add_row(self) -> None:
        """Make room for one row more."""
        self._of_rows.append(_NONE)

    def write(self, row: int, marks: Marks) -> None:
        """Set the marks of a row."""
        held = self._numbers
        numbers = sorted([held[kind].get(text) or self._take(kind, text) for kind, text in marks])
        packed = _packed(numbers)
        before = self._of_rows[row]
        if packed != before:
            self._of_rows[row] = packed
            self._move(row, set(_unpacked(before)), set(numbers))

    def settle(self) -> None:
        """Take in what was noted of every mark: after much was written at once, that is most of what the marks hold."""
        for rows in self._sets:
            rows.settle()

    def _move(self, row: int, before: set[int], after: set[int]) -> None:
        for number in after - before:
            self._sets[number].add(row)
        for number in before - after:
            rows = self._sets[number]
            rows.remove(row)
            if not rows:
                self._forget(number)

    def _take(self, kind: Mark, text: str) -> int:
        """Return a number for a mark that no row has yet."""
        if not self._free:
            self._free.append(len(self._sets))
            self._sets.append(RowSet())
            self._texts.append((0, ""))
        number = self._numbers[kind][text] = self._free.pop()
        self._texts[number] = (kind, text)
        return number

    def _forget(self, number: int) -> None:
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
