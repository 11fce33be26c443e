"""Keeping house: epochs go into rollups, and what is old goes."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable, Mapping, Sequence

from airegistry.errors import UnavailableError
from airegistry.outage import Outage
from registry.observations.base import ObservationStore
from registry.observations.delta import merged, shard_of
from registry.observations.records import ClashError, Epoch
from registry.observations.retention import FOLD_AFTER, Retention
from registry.observations.rollups import Cell, RollupKey, combined, rolled

log = logging.getLogger(__name__)

INTERVAL = 30.0
"""How often that is done, in seconds."""
MAX_EPOCHS = 200
MAX_ENTRIES = 1_000_000
"""How many epochs, and counters in them, and one epoch more, go into the rollups at once; each shard in a transaction."""
STEP = 1_000
"""How many rows of each kind are dropped in one transaction."""


async def fold_all(store: ObservationStore) -> None:
    """Put all epochs that are old enough into the rollups, in small transactions. Any replica may; one at a time does."""
    try:
        while await _fold_some(store):
            pass
    except ClashError:
        log.debug("another replica folds")


async def forget_all(store: ObservationStore, retention: Retention) -> None:
    """Drop all that need not be kept, in small transactions."""
    while await store.forget(retention.oldest(store.now()), STEP) >= STEP:
        pass


async def keep_house(store: ObservationStore, retention: Retention, *, interval: float = INTERVAL) -> None:
    """Fold and forget, for ever."""
    outage = Outage(log, "folding observations into rollups")
    while True:
        # Replicas that start together would clash.
        await asyncio.sleep(interval * random.uniform(0.7, 1))
        try:
            await fold_all(store)
            await forget_all(store, retention)
        except UnavailableError as error:
            outage.failed(error)
        else:
            outage.worked()


async def _fold_some(store: ObservationStore) -> bool:
    """Put the next epochs into the rollups, shard by shard; say whether there may be more."""
    folded, epochs = await store.unfolded(store.now() - FOLD_AFTER, MAX_EPOCHS)
    some = _few(epochs)
    if not some:
        return False
    # They differ only when somebody was interrupted.
    for after in sorted(set(folded.values())):
        shards = [shard for shard, last in folded.items() if last == after]
        await _fold_shards(store, shards, after, [epoch for epoch in some if epoch.number > after])
    return len(some) < len(epochs) or len(epochs) == MAX_EPOCHS


async def _fold_shards(store: ObservationStore, shards: Iterable[int], after: int, epochs: Sequence[Epoch]) -> None:
    if not epochs:
        return
    everything = await asyncio.to_thread(lambda: rolled(merged(epoch.delta for epoch in epochs)))
    by_shard: dict[int, dict[RollupKey, Cell]] = {shard: {} for shard in shards}
    for key, cell in everything.items():
        if (shard := shard_of(key.target)) in by_shard:
            by_shard[shard][key] = cell
    for shard, fresh in by_shard.items():
        kept = await store.kept(fresh)
        await store.fold(shard, after, epochs[-1].number, await asyncio.to_thread(_added, kept, fresh))


def _added(kept: Mapping[RollupKey, Cell], fresh: Mapping[RollupKey, Cell]) -> Mapping[RollupKey, Cell]:
    return {key: combined((kept[key], cell)) if key in kept else cell for key, cell in fresh.items()}


def _few(epochs: Iterable[Epoch]) -> list[Epoch]:
    few: list[Epoch] = []
    entries = 0
    for epoch in epochs:
        entries += epoch.delta.entries
        if few and entries > MAX_ENTRIES:
            break
        few.append(epoch)
    return few
