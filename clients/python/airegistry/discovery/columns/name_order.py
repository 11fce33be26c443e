"""Numbers that sort as names do, so that ties can be broken by name inside NumPy."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

_LEAST, _MOST = -(2**62), 2**62
_GAP = 2**32
_ROOMY = 2**16
_BLOCK = 1024


class NameOrder:
    """A number per name; a new name gets one between its neighbours', so that the others keep theirs.

    Where no number is left between two neighbours, those around them are spread anew, as few as give each other room. Names
    are held in blocks, so that a new one moves those of its block and not all behind it.
    """

    def __init__(self) -> None:
        self._blocks: list[list[str]] = [[]]
        self._numbers: list[array[int]] = [array("q")]
        self._firsts = [""]

    def numbers(self) -> Iterator[tuple[str, int]]:
        """Yield every name with its number."""
        return self._numbered(0, len(self._blocks))

    def add(self, name: str) -> Iterable[tuple[str, int]]:
        """Take in a new name; return it with its number, and others whose numbers changed."""
        at = bisect_right(self._firsts, name) - 1
        block, numbers = self._blocks[at], self._numbers[at]
        place = bisect_left(block, name)
        below = numbers[place - 1] if place else self._below(at)
        above = numbers[place] if place < len(block) else self._above(at)
        number = _between(below, above)
        block.insert(place, name)
        numbers.insert(place, 0 if number is None else number)
        changed = self._spread(at) if number is None else ((name, number),)
        if len(block) > _BLOCK:
            self._split(at)
        return changed

    def remove(self, name: str) -> None:
        """Forget a name that is there."""
        at = bisect_right(self._firsts, name) - 1
        place = bisect_left(self._blocks[at], name)
        del self._blocks[at][place], self._numbers[at][place]
        # The first block stays: it takes whatever comes before the second.
        if at and not self._blocks[at]:
            del self._blocks[at], self._numbers[at], self._firsts[at]

    def _below(self, at: int) -> int | None:
        return next((numbers[-1] for numbers in reversed(self._numbers[:at]) if numbers), None)

    def _above(self, at: int) -> int | None:
        return self._numbers[at + 1][0] if at + 1 < len(self._numbers) else None

    def _split(self, at: int) -> None:
        block, numbers, half = self._blocks[at], self._numbers[at], len(self._blocks[at]) // 2
        self._blocks[at : at + 1] = [block[:half], block[half:]]
        self._numbers[at : at + 1] = [numbers[:half], numbers[half:]]
        self._firsts.insert(at + 1, block[half])

    def _spread(self, at: int) -> Iterable[tuple[str, int]]:
        """Give new numbers to a block, and to as many around it as it takes; return what they are."""
        start, end, reach = at, at + 1, 1
        while self._step(start, end) < _ROOMY and (start or end < len(self._blocks)):
            start, end, reach = max(0, start - reach), min(len(self._blocks), end + reach), reach * 2
        step, below, above = self._step(start, end), self._below(start), self._above(end - 1)
        count = sum(map(len, self._blocks[start:end]))
        number = below + step if below is not None else 0 if above is None else above - step * count
        for numbers in self._numbers[start:end]:
            for place in range(len(numbers)):
                numbers[place] = number
                number += step
        return tuple(self._numbered(start, end))

    def _step(self, start: int, end: int) -> int:
        """Return how far apart the numbers of some blocks can be."""
        below, above = self._below(start), self._above(end - 1)
        room = (_MOST if above is None else above) - (_LEAST if below is None else below)
        return min(_GAP, room // (sum(map(len, self._blocks[start:end])) + 1))

    def _numbered(self, start: int, end: int) -> Iterator[tuple[str, int]]:
        for names, numbers in zip(self._blocks[start:end], self._numbers[start:end], strict=True):
            yield from zip(names, numbers, strict=True)


def _between(below: int | None, above: int | None) -> int | None:
    """Return a number between two; None when there is none."""
    if below is None and above is None:
        return 0
    if below is not None and above is not None:
        number = (below + above) // 2
        return number if number != below else None
    number = below + _GAP if below is not None else (above or 0) - _GAP
    return number if _LEAST < number < _MOST else None
