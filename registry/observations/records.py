"""What the store of observations takes and gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from registry.observations.delta import Delta, merged, only

MAX_EPOCHS = 64
"""How many epochs a store reads at once."""

NUMBERS_APART = 64
"""How far the numbers of a reporter's batches may be apart that are under way."""


class ClashError(Exception):
    """One of the batches was counted meanwhile by another replica; nothing was written."""


class BatchKey(NamedTuple):
    """Which batch of which reporter."""

    reporter_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A batch that was counted, in which epoch; `fingerprint` tells its content from others. `group` counted it."""

    fingerprint: bytes
    epoch: int
    group: str


@dataclass(frozen=True, slots=True)
class Marks:
    """Of the batches asked about: those that were counted, and the newest number of each reporter."""

    found: Mapping[BatchKey, Mark] = field(default_factory=dict)
    newest: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """Batches that are counted together: the fingerprint of each, and what all of them add up to."""

    id: str
    batches: Mapping[BatchKey, bytes]
    delta: Delta


@dataclass(frozen=True, slots=True)
class Epoch:
    """One step of what is known: at which time by the store's clock, and what is added."""

    number: int
    time: float
    delta: Delta


Folded = Mapping[int, int]
"""The last epoch that is in the rollups, for each shard."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """All that windows are made of, as of one epoch.

    `fresh` are deltas that are in no rollup yet, `folded` those that are. The rollups of minutes and hours are as far back as
    was asked for.
    """

    epoch: int
    time: float
    fresh: Delta
    folded: Delta
    minutes: Delta
    hours: Delta


def loaded(
    clock: tuple[int, float], folded: Folded, epochs: Iterable[tuple[int, Delta]], minutes: Delta, hours: Delta
) -> Loaded:
    """Return what was read: *epochs* are all that are held, each with its number."""
    fresh, old = [], []
    for number, delta in epochs:
        missing = {shard for shard, last in folded.items() if last < number}
        fresh.append(only(delta, missing))
        old.append(only(delta, folded.keys() - missing))
    return Loaded(*clock, merged(fresh), merged(old), minutes, hours)
