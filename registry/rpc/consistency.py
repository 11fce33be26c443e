"""Waiting until memory is as fresh as a read asks for."""

from __future__ import annotations

import asyncio

from airegistry._rpc.call import Call
from airegistry.errors import DeadlineExceededError, InvalidArgumentError
from registry.catalog import Catalog
from registry.rpc.requests import ConsistencyLevel, ReadConsistency

MAX_WAIT = 10.0
"""How long a read without a deadline waits until it is fresh, in seconds."""


async def wait_until_fresh(
    catalog: Catalog,
    consistency: ReadConsistency | None,
    call: Call,
    *,
    default: ConsistencyLevel = ConsistencyLevel.ANY,
) -> None:
    """Return as soon as the catalog shows what *consistency* asks for; DeadlineExceededError when it does not in time.

    *default* is the level of a read that names none.
    """
    level = (consistency.level if consistency is not None else None) or default
    at_least = consistency.min_revision if consistency is not None else 0
    if level is not ConsistencyLevel.NOT_OLDER_THAN and at_least:
        raise InvalidArgumentError.of("consistency.min_revision", "must be 0 unless level is NOT_OLDER_THAN")
    match level:
        case ConsistencyLevel.LINEARIZABLE:
            await catch_up(catalog, call)
        case ConsistencyLevel.NOT_OLDER_THAN:
            if at_least < 1:
                raise InvalidArgumentError.of("consistency.min_revision", "must be positive for NOT_OLDER_THAN")
            if catalog.revision < at_least:
                await catalog.feed.wait_for(at_least, _patience(call))


async def wait_for_position(catalog: Catalog, revision: int, call: Call) -> None:
    """Return when the catalog shows *revision*, which a caller knows from a replica, or when no replica has reached it."""
    if revision > catalog.revision:
        await catch_up(catalog, call)


async def catch_up(catalog: Catalog, call: Call) -> None:
    """Return when the catalog shows all that was acknowledged before; DeadlineExceededError when it does not in time."""
    try:
        async with asyncio.timeout(_patience(call)):
            await catalog.catch_up()
    except TimeoutError:
        raise DeadlineExceededError(
            "this replica did not catch up with the others in time",
            metadata={"current_revision": str(catalog.revision)},
        ) from None


def _patience(call: Call) -> float:
    left = call.time_left()
    return MAX_WAIT if left is None else min(left, MAX_WAIT)
