"""What has to happen over and over: leases end, history is compacted, saved replies are forgotten."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from airegistry.errors import UnavailableError
from airegistry.outage import Outage
from registry.feed import Feed
from registry.planning.expiry import Expired
from registry.store.base import Store

log = logging.getLogger(__name__)

STEP = 1_000
"""Revisions, or replies, dropped in one transaction: short enough that no write waits for long."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """How often, and how long things are kept; in seconds, revisions and bytes.

    When two passes of the sweep are more than *away* apart, the plane itself was away: asleep, stopped, starved or without
    its store. History is kept while its age or its count holds it, but never beyond *max_history_bytes*.
    """

    sweep_interval: float = 1.0
    away: float = 3.0
    keep_revisions: int = 100_000
    keep_history: float = 3600.0
    max_history_bytes: int = 256 * 1024 * 1024
    keep_replies: float = 24 * 3600.0
    compact_interval: float = 10.0


async def sweep(expire: Callable[[], Awaitable[Expired]], interval: float) -> None:
    """Take the next step with leases that are due, for ever."""
    outage = Outage(log, "looking after the leases")
    while True:
        await asyncio.sleep(interval)
        try:
            expired = await expire()
        except UnavailableError as error:
            outage.failed(error)
            continue
        outage.worked()
        if expired != Expired():
            log.info(
                "leases not renewed: %d suspect, %d removed, %d preserved",
                *map(len, (expired.suspected, expired.removed, expired.preserved)),
            )


async def compact(feed: Feed, store: Store, upkeep: Upkeep) -> None:
    """Drop what need not be kept, for ever."""
    outage = Outage(log, "compacting the history")
    while True:
        await asyncio.sleep(upkeep.compact_interval)
        try:
            while await compact_step(feed, store, upkeep):
                pass
            while await store.forget_replies(older_than=store.now() - upkeep.keep_replies, limit=STEP) == STEP:
                pass
        except UnavailableError as error:
            outage.failed(error)
        else:
            outage.worked()


async def compact_step(feed: Feed, store: Store, upkeep: Upkeep) -> bool:
    """Drop the oldest revisions, at most STEP; say whether there were any to drop."""
    oldest_kept = store.now() - upkeep.keep_history
    through = feed.expired(
        keep_revisions=upkeep.keep_revisions,
        older_than=oldest_kept,
        max_bytes=upkeep.max_history_bytes,
        limit=STEP,
    )
    if through < feed.oldest:
        return False
    # The store first: what is still in memory can be served meanwhile, and a crash in between loses nothing but old history.
    await store.compact(through)
    feed.forget(through)
    return True
