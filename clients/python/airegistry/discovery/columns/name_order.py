"""Numbers that sort as names do, so that ties can be broken by name inside NumPy."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

_GAP = 2**32
_LIMIT = 2**62


class NameOrder:
    """A number per name; a new name gets one between its neighbours', so the others keep theirs.

    Only where no number is left between two neighbours are all given out anew, which `add` reports.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = sorted(names)
        self._numbers = _spread(len(self._names))

    def numbers(self) -> Iterable[tuple[str, int]]:
        """Return every name with its number."""
        return zip(self._names, self._numbers, strict=True)

    def add(self, name: str) -> int | None:
        """Take in a new name and return its number; None when all numbers changed."""
        place = bisect_left(self._names, name)
        below = self._numbers[place - 1] if place else None
        above = self._numbers[place] if place < len(self._numbers) else None
        number = _between(below, above)
        self._names.insert(place, name)
        if number is None:
            self._numbers = _spread(len(self._names))
        else:
            self._numbers.insert(place, number)
        return number

    def remove(self, name: str) -> None:
        """Forget a name that is there."""
        place = bisect_left(self._names, name)
        del self._names[place], self._numbers[place]


def _spread(count: int) -> list[int]:
    return [place * _GAP for place in range(count)]


def _between(below: int | None, above: int | None) -> int | None:
    if below is None and above is None:
        return 0
    number = above - _GAP if below is None and above is not None else None
    if below is not None:
        number = below + _GAP if above is None else (below + above) // 2
    return number if number != below and number is not None and abs(number) < _LIMIT else None
