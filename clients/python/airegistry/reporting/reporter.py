"""The observer that reports what an engine measured."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import starmap
from types import TracebackType
from typing import Self

from airegistry import background
from airegistry.backoff import Backoff
from airegistry.client.analytics import AnalyticsClient
from airegistry.client.performances import another_registry
from airegistry.errors import (
    AlreadyExistsError,
    CompactedError,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    RegistryError,
    RevisionInFutureError,
    UnimplementedError,
)
from airegistry.invocations.invocation import Attempt, Settlement
from airegistry.invoke.observer import Circumstances
from airegistry.observations.observation import Observation, RejectionReason, ReportUsageResponse
from airegistry.reporting.backlog import MAX_BATCH, Backlog, Batch
from airegistry.reporting.measuring import observation_of, tells
from airegistry.routing.target import Target

log = logging.getLogger(__name__)

INTERVAL = 1.0
KEPT = 50_000
CLOSING = 2.0
"""Seconds that the last report may take when a program ends."""

_MOST_INTERNAL = 10
_AT_ONCE = 100

# The same batch will never be taken.
_REFUSALS = (
    AlreadyExistsError,
    CompactedError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    RevisionInFutureError,
)


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class Reporter:
    """Reports attempts every *interval* seconds, or when a batch is full; give it to `open_engine` as its observer.

    While the registry is away it keeps up to *kept* observations, and drops the oldest beyond that, which the registry is told.
    A batch is sent until it is answered, and counts once. As a context manager it runs in the background, and reports what is
    left at the end. Who has a task group of its own runs `run` there, and calls `flush` before that ends. *clock* gives aware
    times.
    """

    def __init__(
        self,
        client: AnalyticsClient,
        *,
        interval: float = INTERVAL,
        kept: int = KEPT,
        clock: Callable[[], datetime] = _wall_clock,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self.reporter_id = uuid.uuid4().hex
        self.reported = 0
        self.rejected: Counter[RejectionReason] = Counter()
        self._client = client
        self._interval = interval
        self._clock = clock
        self._backoff = backoff
        self._backlog = Backlog(kept)
        self._full = min(kept, MAX_BATCH)
        self._due = asyncio.Event()
        self._answered = asyncio.Event()
        self._hurry = asyncio.Event()
        self._supported = True
        self._failure: type[RegistryError] | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many observations the registry has not acknowledged."""
        return len(self._backlog)

    @property
    def dropped(self) -> int:
        """How many observations were given up."""
        return self._backlog.dropped

    async def __aenter__(self) -> Self:
        self._running = background.start(self.run(), "reporter")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Report what is left, for at most two seconds, and stop."""
        await self.flush(CLOSING)
        await background.end(self._running)

    def attempt_ended(self, _target: Target, attempt: Attempt, circumstances: Circumstances) -> None:
        """Keep what an attempt says of its target, to be reported."""
        if tells(attempt, circumstances):
            self._backlog.add((attempt, circumstances, self._clock()))
            if self._backlog.waiting == self._full:
                self._due.set()

    def call_ended(self, settlement: Settlement, *, answered: bool) -> None:
        """Take no note: a call is reported by its attempts."""

    async def run(self) -> None:
        """Report, without an end."""
        async with asyncio.TaskGroup() as group:
            while True:
                while self._supported and (batch := self._backlog.next()) is not None:
                    group.create_task(self._send(batch))
                self._due.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._interval):
                        await self._due.wait()

    async def flush(self, within: float) -> None:
        """Report what is left now, and wait until the registry has it, but no longer than *within* seconds."""
        self._hurry.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                # Who takes no reports takes no last one either.
                while self.waiting and self._supported:
                    self._answered.clear()
                    self._due.set()
                    await self._answered.wait()
        if self.waiting:
            log.warning("%d observations were not reported", self.waiting)

    async def _send(self, batch: Batch) -> None:
        """Send a batch until it is answered, or is known never to be taken."""
        backoff, internal = self._backoff(), 0
        observations = await _observations(batch)
        while (error := await self._sent(batch, observations)) is not None:
            internal += isinstance(error, InternalError)
            if isinstance(error, _REFUSALS) or internal == _MOST_INTERNAL:
                self._backlog.refused(batch)
                break
            await self._pause(backoff, error)
        self._answered.set()
        if self._backlog.waiting >= self._full:
            # It waited for room among the batches under way.
            self._due.set()

    async def _sent(self, batch: Batch, observations: Sequence[Observation]) -> RegistryError | None:
        """Send a batch once, and return the error that came in the place of an answer."""
        try:
            response = await self._client.report_usage(
                observations,
                reporter_id=self.reporter_id,
                batch_number=batch.number,
                dropped_count=batch.dropped_count,
            )
        except RegistryError as error:
            self._note(error)
            return error
        except ValueError as error:
            # What the wire cannot hold: a fault of whoever measured it, which must not end the program.
            refusal = InvalidArgumentError(str(error))
            self._note(refusal)
            return refusal
        self._failure = None
        self._count(batch, response)
        self._backlog.answered(batch)
        return None

    async def _pause(self, backoff: Backoff, error: RegistryError) -> None:
        if isinstance(error, UnimplementedError):
            self._supported = False
            self._answered.set()
            await another_registry(self._client.wait_for_reconnect)
            self._supported = True
            return
        hurried = self._hurry.is_set()
        delay = (Backoff() if hurried else backoff).next(at_least=error.retry_after)
        if hurried or error.retry_after is not None:
            await asyncio.sleep(delay)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._hurry.wait()

    def _count(self, batch: Batch, response: ReportUsageResponse) -> None:
        rejected = {each.reason: each.count for each in response.rejected if each.reason is not None}
        if RejectionReason.FROM_THE_FUTURE in rejected and RejectionReason.FROM_THE_FUTURE not in self.rejected:
            log.warning("the registry counts nothing of what ended after its own time: is this machine's clock ahead?")
        self.rejected.update(rejected)
        self.reported += len(batch.notes) - sum(rejected.values())

    def _note(self, error: RegistryError) -> None:
        """Log a failure when it is another one than the last."""
        if type(error) is self._failure:
            return
        self._failure = type(error)
        if isinstance(error, UnimplementedError):
            log.warning("the registry is older than this, and takes no reports of what is measured; none are sent")
        elif isinstance(error, _REFUSALS):
            log.error("the registry refuses what was measured, which is dropped: %s", error)
        else:
            log.warning("cannot report what was measured, trying on: %s", error)


async def _observations(batch: Batch) -> Sequence[Observation]:
    """Return what a batch says, a part at a time: calls are under way beside it."""
    told: list[Observation] = []
    for start in range(0, len(batch.notes), _AT_ONCE):
        told.extend(starmap(observation_of, batch.notes[start : start + _AT_ONCE]))
        await asyncio.sleep(0)
    return told
