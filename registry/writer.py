"""The queue of writes: decided one after the other, committed in groups, published in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar

from airegistry.errors import OverloadedError, RequestIdReusedError, UnavailableError
from registry.entry import Draft
from registry.planning.plan import Order, Plan, State
from registry.replies import decode_reply, encode_reply
from registry.store.base import Store
from registry.store.records import SavedReply, Write

T = TypeVar("T")
log = logging.getLogger(__name__)

MAX_QUEUED = 1_000
MAX_QUEUED_BYTES = 64 * 1024 * 1024
"""What may wait: one request more is refused as OVERLOADED."""
MAX_GROUP = 64
MAX_GROUP_CHANGES = 2_000
"""What one transaction takes, in requests and in resources; a single request comes whole even when it is larger."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    order: Order[Any]
    reply: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Planned:
    waiting: _Waiting
    plan: Plan
    write: Write


class Writer:
    """The only way into the store.

    What queues while a transaction runs shares the next one, so that one sync to disk serves many requests. Each is decided
    against the published state alone: a group has only requests that touch different names, and one that touches the same
    waits for the next group. So a transaction that fails takes nothing with it but its own group.
    """

    def __init__(self, store: Store, state: State, publish: Callable[[Write, int], None]) -> None:
        self._store = store
        self._state = state
        self._publish = publish
        self._queue: deque[_Waiting] = deque()
        self._queued_bytes = 0
        self._group: list[_Planned] = []
        self._wake = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._queue)

    async def submit(self, order: Order[T]) -> T:
        """Carry out *order* and return its answer, once it is durable and published."""
        if self._closed:
            raise UnavailableError("the registry is shutting down")
        if len(self._queue) >= MAX_QUEUED or self._queued_bytes + order.size > MAX_QUEUED_BYTES:
            raise OverloadedError("too many writes are waiting", retry_after=1.0)
        reply: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(order, reply))
        self._queued_bytes += order.size
        self._wake.set()
        return await reply

    async def run(self) -> None:
        """Write until cancelled. Whoever still waits then is told; what was not answered may or may not be stored."""
        try:
            while True:
                await self._wake.wait()
                await self._write_group()
                if not self._queue:
                    self._wake.clear()
        finally:
            self._closed = True
            waiting = [*(planned.waiting for planned in self._group), *self._queue]
            self._fail(waiting, "the registry is shutting down")

    async def _write_group(self) -> None:
        ready = min(len(self._queue), MAX_GROUP)
        saved = await self._saved_replies(ready)
        self._group = self._plan_group(ready, saved)
        if not self._group:
            return
        try:
            revisions = await self._store.commit([planned.write for planned in self._group])
        except UnavailableError as error:
            log.exception("a transaction of %d requests failed", len(self._group))
            self._fail([planned.waiting for planned in self._group], error.message)
            # Nobody could renew either.
            self._state.leases.forgive()
        else:
            for planned, revision in zip(self._group, revisions, strict=True):
                self._publish(planned.write, revision)
                self._answer(planned, revision)
        self._group = []

    async def _saved_replies(self, ready: int) -> Mapping[str, SavedReply]:
        orders = (waiting.order for waiting in islice(self._queue, ready))
        ids = {order.request_id for order in orders if order.request_id and not order.validate_only}
        return await self._store.replies(ids) if ids else {}

    def _plan_group(self, ready: int, saved: Mapping[str, SavedReply]) -> list[_Planned]:
        """Take requests off the queue, in order, until one has to wait for those before it."""
        group: list[_Planned] = []
        taken: set[str] = set()
        changes = 0
        for _ in range(ready):
            planned = self._plan(self._queue[0], saved)
            if planned is not None:
                touched = _touched(planned)
                changes += len(planned.write.changes)
                if group and (changes > MAX_GROUP_CHANGES or not taken.isdisjoint(touched)):
                    break
                taken |= touched
                if not self._answered_unwritten(planned):
                    group.append(planned)
            self._queued_bytes -= self._queue.popleft().order.size
        return group

    def _plan(self, waiting: _Waiting, saved: Mapping[str, SavedReply]) -> _Planned | None:
        """Decide a request; None when it has its answer, or nobody waits for it any more."""
        order = waiting.order
        if waiting.reply.done():
            return None
        try:
            if order.request_id in saved and not order.validate_only:
                waiting.reply.set_result(_replay(order, saved[order.request_id]))
                return None
            plan = order.decide(self._state)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer to this request and to no other
            waiting.reply.set_exception(error)
            return None
        return _Planned(waiting, plan, _with_reply(order, plan))

    def _answered_unwritten(self, planned: _Planned) -> bool:
        """Answer a request that has nothing to write."""
        order, plan = planned.waiting.order, planned.plan
        if order.validate_only:
            entries = [e.at(0) if isinstance(e, Draft) else e for e in plan.shown]
            planned.waiting.reply.set_result(order.answer(self._state.revision, plan.facts, entries))
            return True
        if planned.write.empty:
            self._answer(planned, self._state.revision)
            return True
        return False

    def _answer(self, planned: _Planned, revision: int) -> None:
        entries = [self._state.entries[shown.name] for shown in planned.plan.shown]
        if not planned.waiting.reply.done():
            planned.waiting.reply.set_result(planned.waiting.order.answer(revision, planned.plan.facts, entries))

    @staticmethod
    def _fail(waiting: list[_Waiting], message: str) -> None:
        for one in waiting:
            if not one.reply.done():
                one.reply.set_exception(UnavailableError(message))


def _touched(planned: _Planned) -> frozenset[str]:
    request_id = planned.waiting.order.request_id
    # No resource name has a colon.
    return planned.plan.touched | {f"request_id:{request_id}"} if request_id else planned.plan.touched


def _with_reply(order: Order[Any], plan: Plan) -> Write:
    """Return the write with the reply that a retry gets, saved in the same transaction."""
    if not order.request_id:
        return plan.write
    # The store fills in the revision.
    reply = SavedReply(order.request_id, order.fingerprint, 0, encode_reply(plan.facts, plan.shown))
    return replace(plan.write, reply=reply)


def _replay(order: Order[T], saved: SavedReply) -> T:
    if saved.fingerprint != order.fingerprint:
        raise RequestIdReusedError(
            f"request_id {order.request_id!r} was used before, with another payload",
            metadata={"request_id": order.request_id},
        )
    facts, entries = decode_reply(saved)
    return order.answer(saved.revision, facts, entries)
