"""Which rows changed, for arrays derived from a table to follow."""

from __future__ import annotations

_LIMIT = 4096


class Journal:
    """The rows changed of late, in order. A reader keeps the position up to which it has read."""

    def __init__(self) -> None:
        self._start = 0
        self._rows: list[int] = []

    @property
    def position(self) -> int:
        """Where the journal ends."""
        return self._start + len(self._rows)

    def add(self, row: int) -> None:
        """Write down that a row changed."""
        if len(self._rows) == _LIMIT:
            self.cut()
        self._rows.append(row)

    def cut(self) -> None:
        """Forget all; every reader has to look at the whole table."""
        # One further, so that a reader who had read everything is behind too.
        self._start = self.position + 1
        self._rows.clear()

    def since(self, position: int) -> list[int] | None:
        """Return the rows changed after a position; None when the journal does not reach back that far."""
        return self._rows[position - self._start :] if position >= self._start else None
