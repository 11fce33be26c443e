"""Waiting until memory is as fresh as a read asks for."""

from __future__ import annotations

from airegistry._rpc.call import Call
from airegistry.errors import InvalidArgumentError
from registry.catalog import Catalog
from registry.rpc.requests import ConsistencyLevel, ReadConsistency

MAX_WAIT = 10.0
"""How long a read without a deadline waits for its revision, in seconds."""


async def wait_until_fresh(catalog: Catalog, consistency: ReadConsistency | None, call: Call) -> None:
    """Return as soon as the catalog shows what *consistency* asks for; DeadlineExceededError when it does not in time.

    Memory shows a write before the write is acknowledged, so a store with a single writer has nothing to wait for when a
    read must be linearizable.
    """
    if consistency is None:
        return
    if consistency.level is not ConsistencyLevel.NOT_OLDER_THAN:
        if consistency.min_revision:
            raise InvalidArgumentError.of("consistency.min_revision", "must be 0 unless level is NOT_OLDER_THAN")
        return
    if consistency.min_revision < 1:
        raise InvalidArgumentError.of("consistency.min_revision", "must be positive for NOT_OLDER_THAN")
    if catalog.revision < consistency.min_revision:
        left = call.time_left()
        await catalog.feed.wait_for(consistency.min_revision, MAX_WAIT if left is None else min(left, MAX_WAIT))
