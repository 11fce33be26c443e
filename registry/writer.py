"""The queue of writes: decided one after the other, committed in groups, published in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import TypeVar

from airegistry.backoff import Backoff
from airegistry.errors import OverloadedError, UnavailableError
from registry import groups
from registry.groups import MAX_GROUP, Group, Waiting
from registry.leases import Leases
from registry.planning.plan import Order, State
from registry.store.base import Store
from registry.store.records import Basis, StaleError
from registry.tail import Tail
from registry.view import View

T = TypeVar("T")
log = logging.getLogger(__name__)

MAX_QUEUED = 1_000
MAX_QUEUED_BYTES = 64 * 1024 * 1024
"""What may wait: one request more is refused as OVERLOADED."""
PATIENCE = 5.0
"""For how long a request is decided anew because another replica was faster, in seconds."""
_WHOLE_DEFEATS = 3
"""How often a group stays whole; after that, half of it goes back into the queue each time, and only one alone may fail."""
_PAUSE = 0.002
_MAX_PAUSE = 0.1
"""The longest pause after the first defeat, and after any, in seconds."""
_RETRY_AFTER = 1.0


class Writer:
    """The only way into the store.

    What queues while a transaction runs shares the next one, so that one sync to disk serves many requests. Each is decided
    against the published state alone: a group has only requests that touch different names, and one that touches the same
    waits for the next group. So a transaction that fails takes nothing with it but its own group.

    Before a group is decided, the view catches up with the store. When another replica changes what the group was decided on
    before it is committed, the store refuses it, and it is decided anew; `conflicts` counts that.
    """

    def __init__(self, store: Store, view: View, tail: Tail) -> None:
        self.conflicts = 0
        self._store = store
        self._view = view
        self._tail = tail
        self._queue: deque[Waiting] = deque()
        self._queued_bytes = 0
        self._underway: list[Waiting] = []
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
        self._queue.append(Waiting(order, reply))
        self._queued_bytes += order.size
        self._wake.set()
        return await reply

    async def run(self) -> None:
        """Write until cancelled. Whoever still waits then is told; what was not answered may or may not be stored."""
        try:
            while True:
                await self._wake.wait()
                await self._write_next()
                if not self._queue:
                    self._wake.clear()
        finally:
            self._closed = True
            _fail([*self._underway, *self._queue], "the registry is shutting down")

    async def _write_next(self) -> None:
        """Write as many of the first requests as can go together."""
        self._underway = self._take(min(len(self._queue), MAX_GROUP))
        try:
            await self._write_undefeated()
        except UnavailableError as error:
            log.warning("a transaction of %d requests failed: %s", len(self._underway), error.message)
            _fail(self._underway, error.message)
        self._underway = []

    async def _write_undefeated(self) -> None:
        """Write what is under way, decided anew after each defeat; UnavailableError when that helps no more."""
        now = asyncio.get_running_loop().time
        until = now() + PATIENCE
        backoff = Backoff(first=_PAUSE, most=_MAX_PAUSE)
        while True:
            try:
                return await self._write_underway()
            except StaleError as defeat:
                self._note(defeat)
                if now() > until and len(self._underway) <= 1:
                    raise UnavailableError("other replicas keep changing the same resources") from defeat
            await asyncio.sleep(backoff.next())
            if backoff.failures >= _WHOLE_DEFEATS:
                # Fewer are defeated more rarely, and those that nobody contends for must not fail with one that is.
                self._keep(max(1, len(self._underway) // 2))

    def _note(self, defeat: StaleError) -> None:
        self.conflicts += 1
        log.debug("decided on what has changed: %s", defeat)
        if defeat.fenced:
            _fail([one for one in self._underway if one.order.fenced], str(defeat))

    async def _write_underway(self) -> None:
        """Decide the requests that are under way, write them, publish and answer them."""
        basis = await self._basis(self._underway)
        leases = Leases(basis.leases, self._store.now)
        state = State(self._view.entries, self._view.revision, leases, self._store.now)
        group = groups.decide(self._underway, state, basis)
        self._keep(group.taken)
        if group.planned:
            await self._commit(group)

    async def _basis(self, waiting: Iterable[Waiting]) -> Basis:
        """Return what the store says about the requests; the view is as of the same moment until the next await."""
        orders = [one.order for one in waiting if not one.reply.done()]
        ids = {order.request_id for order in orders if order.request_id and not order.validate_only}
        names: set[str] = set()
        while True:
            names |= self._leases(orders)
            basis = await self._tail.settle(partial(self._store.basis, names, ids))
            # What the view learned may have made the requests touch more.
            if self._leases(orders) <= names:
                return basis

    def _leases(self, orders: Iterable[Order[object]]) -> set[str]:
        return {name for order in orders for name in order.leases(self._view.entries)}

    async def _commit(self, group: Group) -> None:
        committed = await self._store.commit(group.writes, group.expected)
        logged = groups.published(group.writes, committed)
        self._tail.committed(logged)
        try:
            await self._tail.reach(max(committed.revisions))
        except UnavailableError as error:
            # It is durable. This replica cannot show it yet, and says so to whoever asks for the newest.
            log.warning("cannot show what was written: %s", error.message)
        made = {one.number: one for one in logged}
        for planned, revision in zip(group.planned, committed.revisions, strict=True):
            groups.answer(planned, revision, made.get(revision))

    def _take(self, count: int) -> list[Waiting]:
        taken = [self._queue.popleft() for _ in range(count)]
        self._queued_bytes -= sum(one.order.size for one in taken)
        return taken

    def _keep(self, count: int) -> None:
        """Put all but the first of what is under way back into the queue."""
        later = self._underway[count:]
        del self._underway[count:]
        self._queue.extendleft(reversed(later))
        self._queued_bytes += sum(one.order.size for one in later)


def _fail(waiting: Iterable[Waiting], message: str) -> None:
    for one in waiting:
        if not one.reply.done():
            one.reply.set_exception(UnavailableError(message, retry_after=_RETRY_AFTER))
