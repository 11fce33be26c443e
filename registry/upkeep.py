"""What has to happen over and over: leases end, history is compacted, saved replies are forgotten."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from airegistry.errors import UnavailableError
from registry.feed import Feed
from registry.leases import Leases
from registry.planning.expiry import Expired
from registry.store.base import Store

log = logging.getLogger(__name__)

AWAY = 2.0
"""A pass that comes this late, in seconds, means that the plane itself was away: asleep, stopped or starved."""
STEP = 1_000
"""Revisions, or replies, dropped in one transaction: short enough that no write waits for long."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """How often, and how long things are kept; in seconds, revisions and bytes.

    History is kept while its age or its count holds it, but never beyond *max_history_bytes*.
    """

    sweep_interval: float = 1.0
    keep_revisions: int = 100_000
    keep_history: float = 3600.0
    max_history_bytes: int = 256 * 1024 * 1024
    keep_replies: float = 24 * 3600.0
    compact_interval: float = 10.0


async def sweep(
    expire: Callable[[], Awaitable[Expired]], leases: Leases, *, interval: float, now: Callable[[], float]
) -> None:
    """Take the next step with leases that are due, for ever."""
    last = now()
    while True:
        await asyncio.sleep(interval)
        away = now() - last
        if away > interval + AWAY:
            log.warning("the registry was away for %.1f s: every lease gets its whole time to live again", away)
            leases.forgive()
        last = now()
        try:
            expired = await expire()
        except UnavailableError:
            continue  # logged by the writer; the leases are still due
        if expired.suspected or expired.removed:
            log.info("leases not renewed: %d suspect, %d removed", len(expired.suspected), len(expired.removed))


async def compact(feed: Feed, store: Store, upkeep: Upkeep) -> None:
    """Drop what need not be kept, for ever."""
    while True:
        await asyncio.sleep(upkeep.compact_interval)
        try:
            while await compact_step(feed, store, upkeep):
                pass
            while await store.forget_replies(older_than=store.now() - upkeep.keep_replies, limit=STEP) == STEP:
                pass
        except UnavailableError as error:
            log.warning("the history was not compacted: %s", error.message)


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
