"""Keeping house: epochs go into rollups, and what is old goes."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable

from airegistry.errors import UnavailableError
from registry.observations.base import ObservationStore
from registry.observations.delta import merged
from registry.observations.records import ClashError, Epoch
from registry.observations.retention import FOLD_AFTER, Retention
from registry.observations.rollups import rolled
from registry.outage import Outage

log = logging.getLogger(__name__)

INTERVAL = 20.0
"""How often that is done, in seconds."""
MAX_EPOCHS = 64
MAX_ENTRIES = 20_000
"""How many epochs, and counters in them, and one epoch more, go into the rollups in one transaction."""
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
    """Put the next epochs into the rollups; say whether there may be more."""
    folded, epochs = await store.unfolded(store.now() - FOLD_AFTER, MAX_EPOCHS)
    some = _few(epochs)
    if not some:
        return False
    rollups = await asyncio.to_thread(lambda: rolled(merged(epoch.delta for epoch in some)))
    await store.fold(folded, some[-1].number, rollups)
    return len(some) < len(epochs) or len(epochs) == MAX_EPOCHS


def _few(epochs: Iterable[Epoch]) -> list[Epoch]:
    few: list[Epoch] = []
    entries = 0
    for epoch in epochs:
        entries += epoch.delta.entries
        if few and entries > MAX_ENTRIES:
            break
        few.append(epoch)
    return few
