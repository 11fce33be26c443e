"""The queue of reports: counted in groups, once each, whichever replica they reach and however often."""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from airegistry.errors import InvalidArgumentError, OverloadedError, RegistryError, UnavailableError
from registry.observations.base import ObservationStore
from registry.observations.delta import Delta, merged
from registry.observations.records import NUMBERS_APART, BatchKey, ClashError, Epoch, Group, Mark, Marks

log = logging.getLogger(__name__)

MAX_GROUP = 20_000
"""How many observations are counted in one transaction, and one batch more."""
PATIENCE = 5.0
"""For how long a group is tried when the store cannot be reached, in seconds. Its reporters send it again after that."""
_PAUSE = 0.05
_MAX_PAUSE = 0.5
_RETRY_AFTER = 1.0
_MOST_GATHERED = 0.5
# To show an epoch takes longer the more targets it is about; no more than such a share of the time goes into that.
_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Batch:
    """A report that is to be counted: what it adds up to, of how many observations. `fingerprint` tells its content."""

    key: BatchKey
    fingerprint: bytes
    delta: Delta
    count: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of a batch: in which epoch it counts, and whether it did before."""

    epoch: int
    replayed: bool = False


@dataclass(slots=True, eq=False)
class _Waiting:
    batch: Batch
    reply: asyncio.Future[Counted]


class Intake:
    """Takes reports, for a moment, and writes what they add up to in one transaction: the owner runs `run`.

    A report is answered when it is durable. Nobody but reporters waits for any of this, and no lock is held while the
    store writes.
    """

    def __init__(
        self,
        store: ObservationStore,
        committed: Callable[[Epoch], Awaitable[None]],
        *,
        gather: float,
        max_waiting: int,
        max_reporters: int,
    ) -> None:
        self.clashes = 0
        self.waiting = 0
        self.reporters: set[str] = set()
        self._store = store
        self._committed = committed
        self._gather = gather
        self._max_waiting = max_waiting
        self._max_reporters = max_reporters
        self._queue: list[_Waiting] = []
        self._underway: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self._closed = False
        self._shown_in = 0.0

    async def submit(self, batch: Batch) -> Counted:
        """Count *batch*, unless it was before; return when that is durable."""
        if self._closed:
            raise UnavailableError("the registry is shutting down")
        if self.waiting + batch.count > self._max_waiting and self._queue:
            raise OverloadedError(
                f"{self.waiting} observations are waiting to be counted, and no more than {self._max_waiting} may",
                retry_after=_RETRY_AFTER,
            )
        self._admit(batch.key.reporter_id)
        reply: asyncio.Future[Counted] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(batch, reply))
        # An empty batch takes a place, too.
        self.waiting += max(1, batch.count)
        self._wake.set()
        if self.waiting >= MAX_GROUP:
            self._full.set()
        return await reply

    async def run(self) -> None:
        """Count until cancelled. Whoever still waits then is told; what was not answered may or may not be counted."""
        try:
            while True:
                await self._wake.wait()
                await self._linger()
                self._underway = self._take()
                await self._count(self._underway)
                self._underway = []
                if not self._queue:
                    self._wake.clear()
        finally:
            self._closed = True
            self._fail([*self._underway, *self._queue], UnavailableError("the registry is shutting down"))

    async def refresh(self) -> None:
        """Learn which reporters are remembered, by all replicas."""
        self.reporters = set(await self._store.reporters(self._max_reporters))

    def _admit(self, reporter: str) -> None:
        if reporter in self.reporters:
            return
        if len(self.reporters) >= self._max_reporters:
            raise OverloadedError(
                f"{self._max_reporters} reporters were heard of lately, and no more are remembered", retry_after=60.0
            )
        self.reporters.add(reporter)

    async def _linger(self) -> None:
        gather = max(self._gather, min(self._shown_in / _SHARE, _MOST_GATHERED))
        try:
            async with asyncio.timeout(gather):
                await self._full.wait()
        except TimeoutError:
            pass

    def _take(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        size = 0
        for one in self._queue:
            if taken and size >= MAX_GROUP:
                break
            taken.append(one)
            size += max(1, one.batch.count)
        del self._queue[: len(taken)]
        self.waiting -= size
        if self.waiting < MAX_GROUP:
            self._full.clear()
        return taken

    async def _count(self, waiting: list[_Waiting]) -> None:
        """Count what is *waiting*, however often that has to be tried."""
        group, loop = str(uuid.uuid4()), asyncio.get_running_loop()
        pause, given_up_at = _PAUSE, loop.time() + PATIENCE
        while True:
            try:
                await self._count_once(waiting, group)
            except ClashError:
                self.clashes += 1
            except UnavailableError as error:
                if loop.time() >= given_up_at:
                    # Nobody who queued behind it will fare better.
                    self._fail([*waiting, *self._take_all()], error)
                    return
                await asyncio.sleep(pause * random.uniform(0.5, 1))
                pause = min(2 * pause, _MAX_PAUSE)
            else:
                return

    async def _count_once(self, waiting: Iterable[_Waiting], group: str) -> None:
        undecided = [one for one in waiting if not one.reply.done()]
        marks = await self._store.marks({one.batch.key for one in undecided})
        fresh = _fresh(undecided, marks, group)
        if not fresh:
            return
        delta = await asyncio.to_thread(merged, [one.batch.delta for one in fresh])
        batches = {one.batch.key: one.batch.fingerprint for one in fresh}
        epoch = await self._store.commit(Group(group, batches, delta))
        began = time.monotonic()
        await self._committed(epoch)
        self._shown_in = time.monotonic() - began
        for one in undecided:
            if not one.reply.done():
                # Those beside the fresh ones are the same batches once more.
                one.reply.set_result(Counted(epoch.number, replayed=one not in fresh))

    def _take_all(self) -> list[_Waiting]:
        taken, self._queue, self.waiting = self._queue, [], 0
        self._full.clear()
        return taken

    @staticmethod
    def _fail(waiting: Iterable[_Waiting], error: UnavailableError) -> None:
        for one in waiting:
            if not one.reply.done():
                one.reply.set_exception(UnavailableError(error.message, retry_after=_RETRY_AFTER))


def _fresh(waiting: Iterable[_Waiting], marks: Marks, group: str) -> list[_Waiting]:
    """Answer what was counted or cannot be; return the rest, each batch once."""
    fresh: dict[BatchKey, _Waiting] = {}
    for one in waiting:
        batch = one.batch
        first = fresh.get(batch.key)
        mark = marks.found.get(batch.key)
        if first is not None:
            if first.batch.fingerprint != batch.fingerprint:
                _refuse(one, _other_content(batch.key))
        elif mark is not None:
            _answer(one, mark, group)
        elif (newest := marks.newest.get(batch.key.reporter_id, 0)) - batch.key.number >= NUMBERS_APART:
            _refuse(one, _too_far_behind(batch.key, newest))
        else:
            fresh[batch.key] = one
    return list(fresh.values())


def _answer(one: _Waiting, mark: Mark, group: str) -> None:
    if mark.fingerprint != one.batch.fingerprint:
        _refuse(one, _other_content(one.batch.key))
    elif not one.reply.done():
        # One of the same group was committed, though the store did not say so.
        one.reply.set_result(Counted(mark.epoch, replayed=mark.group != group))


def _refuse(one: _Waiting, error: RegistryError) -> None:
    if not one.reply.done():
        one.reply.set_exception(error)


def _other_content(key: BatchKey) -> InvalidArgumentError:
    return InvalidArgumentError.of("batch_number", f"{key.number} was used for a batch with other content")


def _too_far_behind(key: BatchKey, newest: int) -> InvalidArgumentError:
    return InvalidArgumentError.of(
        "batch_number", f"is {key.number}; {newest} was counted, and numbers may be at most {NUMBERS_APART} apart"
    )
