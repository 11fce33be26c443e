"""What was measured, over minutes, hours and days: kept for long, and what windows are made of after a start."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from registry.observations.codes import CODE_BITS, CODES, Ints
from registry.observations.counts import Counts
from registry.observations.delta import SLOT, Delta, Target, delta_of

STEPS = (60, 3_600, 86_400)
MINUTES, HOURS, DAYS = STEPS
_MICROS = 1_000_000
_HEAD = struct.Struct("<Bqi")
_FORM = 1


class RollupKey(NamedTuple):
    """Which rollup: of how many seconds, from when, in seconds since 1970, and of what."""

    step: int
    start: int
    target: Target


@dataclass(frozen=True, slots=True)
class Cell:
    """Counters of one target: codes in order, and their counts. `last` is in microseconds since 1970."""

    last: int
    codes: Ints
    counts: Ints

    def encode(self) -> bytes:
        """Return it as bytes."""
        head = _HEAD.pack(_FORM, self.last, len(self.codes))
        return head + self.codes.astype("<u2").tobytes() + self.counts.astype("<i8").tobytes()

    @classmethod
    def decode(cls, body: bytes) -> Cell:
        """Return what *body* is of; ValueError when a newer version wrote it."""
        form, last, count = _HEAD.unpack_from(body)
        if form != _FORM:
            raise ValueError(f"a rollup in form {form} is of a newer registry")
        codes = np.frombuffer(body, "<u2", count, _HEAD.size).astype(np.int64)
        return cls(last, codes, np.frombuffer(body, "<i8", count, _HEAD.size + 2 * count).astype(np.int64))


def combined(cells: Iterable[Cell]) -> Cell:
    """Return *cells*, at least one, added up."""
    listed = list(cells)
    if len(listed) == 1:
        return listed[0]
    summed = Counts.of(
        np.concatenate([cell.codes for cell in listed]), np.concatenate([cell.counts for cell in listed])
    )
    return Cell(max(cell.last for cell in listed), summed.keys, summed.counts)


def rolled(delta: Delta) -> Mapping[RollupKey, Cell]:
    """Return what *delta* adds to each rollup."""
    found: dict[RollupKey, list[Cell]] = {}
    for slot, counts in delta.cells.items():
        starts = [(step, slot * SLOT // step * step) for step in STEPS]
        for number, cell in _by_target(counts, delta.last, (slot + 1) * SLOT * _MICROS - 1):
            for step, start in starts:
                found.setdefault(RollupKey(step, start, delta.targets[number]), []).append(cell)
    return {key: combined(cells) for key, cells in found.items()}


def delta_of_rollups(rows: Iterable[tuple[int, Target, Cell]]) -> Delta:
    """Return rollups, each with its start, as a delta: everything in one is as if it had ended at its start."""
    numbers: dict[Target, int] = {}
    last: list[int] = []
    slots, keys, counts = [], [], []
    for start, target, cell in rows:
        number = numbers.setdefault(target, len(numbers))
        if number == len(last):
            last.append(cell.last)
        last[number] = max(last[number], cell.last)
        slots.append(np.full(len(cell.codes), start // SLOT, np.int64))
        keys.append((number << CODE_BITS) | cell.codes)
        counts.append(cell.counts)
    if not numbers:
        return Delta()
    return delta_of(tuple(numbers), last, np.concatenate(slots), np.concatenate(keys), np.concatenate(counts))


def _by_target(counts: Counts, last: Iterable[int], end: int) -> Iterator[tuple[int, Cell]]:
    """Yield the counters of a slot that ends at *end*, target by target.

    Of a target whose last attempt came in a later slot it is known only that the ones in this slot came before its end.
    """
    times = list(last)
    numbers = counts.keys >> CODE_BITS
    edges = np.flatnonzero(np.diff(numbers)) + 1
    for keys, values in zip(np.split(counts.keys, edges), np.split(counts.counts, edges), strict=True):
        if len(keys):
            number = int(keys[0] >> CODE_BITS)
            yield number, Cell(min(times[number], end), keys & (CODES - 1), values)
