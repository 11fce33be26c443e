"""What a few observations add up to: counters by time and target, as they are stored and told to other replicas."""

from __future__ import annotations

import json
import zlib
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from registry.observations.codes import CODE_BITS, CODES, Ints
from registry.observations.counts import Counts

SLOT = 10
"""How exactly times are kept, in seconds: all windows and rollups are whole multiples of it."""
_FORM = b"\x01"
# More than this in a header is not ours.
_HEADER = 4


class Target(NamedTuple):
    """An endpoint or agent, and which one of that name: one that is registered again is another."""

    name: str
    uid: str


class Load(NamedTuple):
    """What the holder of a target said of its load at `time`, in microseconds since 1970 by the store's clock.

    It is over at `end`, in seconds. A `value` of None is that the holder says nothing of it any more.
    """

    time: int
    end: int
    value: float | None


SHARDS = 16
"""Into how many parts targets are divided, so that no transaction is about all of them."""


def shard_of(target: Target) -> int:
    """Return in which part a target is, the same for ever."""
    return zlib.crc32(target.uid.encode()) % SHARDS


@dataclass(frozen=True, slots=True)
class Delta:
    """Counters to be added, and loads to know instead of older ones.

    `cells` has, by slot (a time in seconds over SLOT), counts whose targets are numbered as in `targets`. `last` is when the
    last attempt of each target ended, in microseconds since 1970. `loads` is about targets of its own.
    """

    targets: tuple[Target, ...] = ()
    last: Sequence[int] = ()
    cells: Mapping[int, Counts] = field(default_factory=dict)
    loads: Mapping[Target, Load] = field(default_factory=dict)

    @property
    def entries(self) -> int:
        """How many counters it has."""
        return sum(map(len, self.cells.values()))


def delta_of(targets: Sequence[Target], last: Sequence[int], slots: Ints, keys: Ints, counts: Ints) -> Delta:
    """Return single counts added up; *slots*, *keys* and *counts* go together and come in any order."""
    order = np.argsort(slots, kind="stable")
    ordered = slots[order]
    edges = np.flatnonzero(np.diff(ordered)) + 1
    parts = np.split(order, edges) if len(order) else []
    return Delta(
        tuple(targets), tuple(last), {int(slots[part[0]]): Counts.of(keys[part], counts[part]) for part in parts}
    )


def merged(deltas: Iterable[Delta]) -> Delta:
    """Return all of *deltas* as one."""
    last: dict[Target, int] = {}
    cells: dict[int, Counts] = {}
    numbers: dict[Target, int] = {}
    loads: dict[Target, Load] = {}
    for delta in deltas:
        keep_newest(loads, delta.loads)
        for target, time in zip(delta.targets, delta.last, strict=True):
            numbers.setdefault(target, len(numbers))
            last[target] = max(time, last.get(target, time))
        renumbered = np.array([numbers[target] for target in delta.targets], np.int64)
        for slot, counts in delta.cells.items():
            cells.setdefault(slot, Counts.empty()).add(renumber(counts, renumbered))
    return Delta(tuple(numbers), tuple(last[target] for target in numbers), cells, loads)


def keep_newest(known: dict[Target, Load], said: Mapping[Target, Load]) -> None:
    """Take into *known* what was *said*, where it is not older."""
    for target, load in said.items():
        before = known.get(target)
        if before is None or before.time <= load.time:
            known[target] = load


def only(delta: Delta, shards: Container[int]) -> Delta:
    """Return what *delta* counts of the targets in some shards, and all loads: those do not add up."""
    places = [place for place, target in enumerate(delta.targets) if shard_of(target) in shards]
    if len(places) == len(delta.targets):
        return delta
    numbers = np.full(len(delta.targets), -1, np.int64)
    numbers[places] = np.arange(len(places))
    cells = {}
    for slot, counts in delta.cells.items():
        wanted = numbers[counts.keys >> CODE_BITS] >= 0
        if wanted.any():
            cells[slot] = renumber(Counts(counts.keys[wanted], counts.counts[wanted]), numbers)
    targets, last = tuple(delta.targets[place] for place in places), tuple(delta.last[place] for place in places)
    return Delta(targets, last, cells, delta.loads)


def renumber(counts: Counts, numbers: Ints) -> Counts:
    """Return *counts* with the n-th of *numbers* in place of target n."""
    keys = (numbers[counts.keys >> CODE_BITS] << CODE_BITS) | (counts.keys & (CODES - 1))
    order = np.argsort(keys, kind="stable")
    return Counts(keys[order], counts.counts[order])


def encode(delta: Delta) -> bytes:
    """Return *delta* as bytes."""
    header = json.dumps(
        {
            "targets": [[*target, time] for target, time in zip(delta.targets, delta.last, strict=True)],
            "cells": [[slot, len(counts)] for slot, counts in delta.cells.items()],
            # A registry that knows nothing of loads does not look at them.
            "loads": [[*target, *load] for target, load in delta.loads.items()],
        }
    ).encode()
    keys = b"".join(counts.keys.astype("<u4").tobytes() for counts in delta.cells.values())
    values = b"".join(counts.counts.astype("<i8").tobytes() for counts in delta.cells.values())
    return _FORM + zlib.compress(len(header).to_bytes(_HEADER, "little") + header + keys + values, 1)


def decode(body: bytes) -> Delta:
    """Return the delta that *body* is of; ValueError when a newer version wrote it."""
    if body[:1] != _FORM:
        raise ValueError(f"observations in form {body[:1].hex()} are of a newer registry")
    data = zlib.decompress(body[1:])
    end = _HEADER + int.from_bytes(data[:_HEADER], "little")
    header = json.loads(data[_HEADER:end])
    total = sum(length for _, length in header["cells"])
    keys = np.frombuffer(data, "<u4", total, end).astype(np.int64)
    values = np.frombuffer(data, "<i8", total, end + 4 * total).astype(np.int64)
    cells, at = {}, 0
    for slot, length in header["cells"]:
        cells[slot] = Counts(keys[at : at + length], values[at : at + length])
        at += length
    targets = tuple(Target(name, uid) for name, uid, _ in header["targets"])
    loads = {Target(name, uid): Load(*load) for name, uid, *load in header.get("loads", ())}
    return Delta(targets, tuple(time for *_, time in header["targets"]), cells, loads)
