"""Discover and BatchDiscover, from bytes to bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from airegistry._convert import from_pb
from airegistry._rpc.call import Call
from airegistry._rpc.pieces import Pieces
from airegistry._rpc.service import reading
from airegistry.discovery.answers import Discovery
from airegistry.errors import FieldViolation, InvalidArgumentError, RequestTooLargeError
from airegistry.resources.requirements import DiscoverQuery
from airegistry.v1 import registry_service_pb2 as pb
from registry.catalog import Catalog
from registry.rpc import splice
from registry.rpc.candidates import Candidates
from registry.rpc.consistency import wait_until_fresh
from registry.rpc.reply_cache import ReplyCache
from registry.rpc.requests import BatchDiscover, ConsistencyLevel, Discover

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
MAX_QUERIES = 100

_READ = reading(pb.DiscoverRequest)
_READ_BATCH = reading(pb.BatchDiscoverRequest)


class Discoveries:
    """The handlers that find candidates. *now* is in seconds, by any clock."""

    def __init__(self, catalog: Catalog, now: Callable[[], float]) -> None:
        self._catalog = catalog
        self._now = now
        self._replies = ReplyCache()
        self._candidates = Candidates(catalog)

    async def discover(self, request: bytes, call: Call) -> Pieces:
        """Answer a serialized DiscoverRequest with a serialized DiscoverResponse."""
        reply = self._replies.get(request, self._moment())
        if reply is not None:
            return reply
        wanted = from_pb(Discover, _READ(request), strict=True)
        _check_limit(wanted, "limit")
        await wait_until_fresh(self._catalog, wanted.consistency, call)
        await self._prepare(wanted, "query")
        reply = self._answer(wanted, "query")
        # Linearizable reads are always asked anew. For the other levels an answer is as fresh as its moment.
        if wanted.consistency is None or wanted.consistency.level is not ConsistencyLevel.LINEARIZABLE:
            self._replies.put(request, reply, self._moment())
        return reply

    async def batch_discover(self, request: bytes, call: Call) -> bytes:
        """Answer a serialized BatchDiscoverRequest; nothing is awaited between the queries, so all show one revision."""
        batch = from_pb(BatchDiscover, _READ_BATCH(request), strict=True)
        _check_batch(batch)
        await wait_until_fresh(self._catalog, batch.consistency, call)
        for i, wanted in enumerate(batch.requests):
            await self._prepare(wanted, f"requests[{i}].query")
        answers = [self._answer(wanted, f"requests[{i}].query").joined() for i, wanted in enumerate(batch.requests)]
        return splice.joined(pb.BatchDiscoverResponse(revision=self._catalog.revision), splice.BATCH_RESPONSES, answers)

    def _moment(self) -> tuple[int, int, int]:
        # Prices may be scheduled by time, and change an answer without a revision: none is kept for over a second.
        index = self._catalog.index
        return index.revision, index.observation_epoch, int(self._now())

    async def _prepare(self, wanted: Discover, path: str) -> None:
        """Evaluate a new filter expression in steps, so that nobody else waits for more than one of them."""
        if wanted.query is not None:
            for _ in self._catalog.index.prepare(wanted.query, path=path):
                await asyncio.sleep(0)

    def _answer(self, wanted: Discover, path: str) -> Pieces:
        query, limit = wanted.query or DiscoverQuery(), wanted.limit or DEFAULT_LIMIT
        found = self._catalog.index.discover(query, limit=limit, name_excluded=wanted.name_excluded, path=path)
        candidates = self._candidates.framed(found.candidates, with_models=not wanted.omit_models)
        return Pieces(_head(found), "candidates", candidates)


def _head(found: Discovery) -> bytes:
    response = pb.DiscoverResponse(
        matched_count=found.matched_count, revision=found.revision, observation_epoch=found.observation_epoch
    )
    for exclusion in found.exclusions:
        response.exclusions.add(reason=exclusion.reason, count=exclusion.count, names=exclusion.names)
    return response.SerializeToString()


def _check_limit(wanted: Discover, path: str) -> None:
    if not 0 <= wanted.limit <= MAX_LIMIT:
        raise InvalidArgumentError.of(path, f"is {wanted.limit}; it must be from 0 to {MAX_LIMIT}")


def _check_batch(batch: BatchDiscover) -> None:
    count = len(batch.requests)
    if count == 0:
        raise InvalidArgumentError.of("requests", "must have at least one element")
    if count > MAX_QUERIES:
        raise RequestTooLargeError(
            violations=[FieldViolation("requests", f"has {count} queries; at most {MAX_QUERIES} are answered at once")],
            metadata={"limit": str(MAX_QUERIES), "count": str(count)},
        )
    for i, wanted in enumerate(batch.requests):
        if wanted.consistency is not None:
            raise InvalidArgumentError.of(f"requests[{i}].consistency", "must be unset: the batch has one")
        _check_limit(wanted, f"requests[{i}].limit")
