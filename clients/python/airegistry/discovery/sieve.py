"""What filters leave of a table's rows, and whom each of them cut."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest

from airegistry.discovery.answers import Exclusion, ExclusionReason
from airegistry.discovery.asking import Asking
from airegistry.discovery.columns.masks import Mask, count_of, rows_of
from airegistry.discovery.columns.table import Table
from airegistry.discovery.filters import Passed

# Who lacks what stands at the same place of `standing.WANTED`.
_USUAL = (ExclusionReason.LIFECYCLE, ExclusionReason.HEALTH, ExclusionReason.CREDENTIAL, ExclusionReason.WEIGHT)


class Sieve:
    """The rows that are `left`, how many these are, and the exclusions so far. Up to *names* of those that were cut are named."""

    __slots__ = ("_names", "_table", "count", "exclusions", "left")

    def __init__(self, table: Table, names: int = 0, left: Mask | None = None) -> None:
        self._table = table
        self._names = names
        self.left: Mask = table.present if left is None else left
        self.count = len(table)
        self.exclusions: tuple[Exclusion, ...] = ()

    def copy(self) -> Sieve:
        """Return one that goes on from here."""
        other = Sieve(self._table, self._names, self.left)
        other.count, other.exclusions = self.count, self.exclusions
        return other

    def take(self, asking: Asking, passed: Iterable[Passed]) -> None:
        """Apply filters one after the other; *asking* is told what is left, for the next one may look."""
        for reason, rows in passed:
            kept = self.left & rows
            count = count_of(kept)
            if count < self.count:
                self.exclusions += (Exclusion(reason, self.count - count, self._named(self.left, rows)),)
            self.left = asking.left = kept
            self.count = count

    def take_usual(self) -> None:
        """Apply the filters for what is usually wanted, all at once."""
        self.left, cut = self._table.marks.standing.cut(self.left)
        for reason, count in zip(_USUAL, cut, strict=False):
            if count:
                self.exclusions += (Exclusion(reason, count),)
                self.count -= count

    def _named(self, left: Mask, passed: Mask) -> tuple[str, ...]:
        if not self._names:
            return ()
        cut = rows_of(left & ~passed).tolist()
        names = tuple(nsmallest(self._names, (self._table.names[row] for row in cut)))
        self._names -= len(names)
        return names
