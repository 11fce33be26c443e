"""Making changes at a pace or all at once, and what became of them at the watchers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
from grpc import aio
from numpy.typing import NDArray

from benchmarks.receiving.receiver import Arrivals, Receiver, now, receiver
from benchmarks.subjects import Subject

_OPTIONS = [("grpc.use_local_subchannel_pool", 1)]


@dataclass(frozen=True, slots=True)
class Sent:
    """Changes with consecutive numbers: when each was due to be sent, and when it was answered."""

    first: int
    nanos: NDArray[np.int64]
    answered: NDArray[np.int64]

    def millis_until(self, arrivals: Arrivals) -> NDArray[np.float64]:
        """Return how long each arrival took."""
        return (arrivals.nanos - self.nanos[arrivals.changes - self.first]) / 1e6


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a series of changes gave: milliseconds by arrival, from when it was sent, and what a delivery took."""

    millis: NDArray[np.float64]
    cpu_micros: float
    """Processor time of the server, per delivery."""
    receiving_micros: float
    """The same of the watchers, who share the machine."""

    @property
    def p50(self) -> float:
        """The middle one."""
        return float(np.percentile(self.millis, 50))

    @property
    def p99(self) -> float:
        """Which only one in a hundred exceeds."""
        return float(np.percentile(self.millis, 99))


class Changer:
    """Who makes the changes; no number is used twice."""

    def __init__(self, subject: Subject, channel: aio.Channel) -> None:
        self._subject = subject
        self._call = channel.unary_unary(subject.change, None, None)
        self._number = 0

    async def alone(self, count: int = 30, every: float = 0.02, *, turns: int = 3) -> float:
        """Return the milliseconds until the middle one of some changes is answered; asked while nobody watches.

        Of a few turns the quickest counts: this is taken off other figures, and must not flatter them.
        """
        answered = []
        for _ in range(turns):
            sent = await self.paced(count, every)
            answered.append(float(np.median(sent.answered - sent.nanos)) / 1e6)
        return min(answered)

    async def change(self) -> Sent:
        """Make one change."""
        return await self.paced(1, 0.0)

    async def paced(self, count: int, every: float) -> Sent:
        """Make a change every so many seconds, whether those before were answered or not; all at once for 0."""
        first, self._number = self._number, self._number + count
        requests = [self._subject.make(first + place) for place in range(count)]
        due = now() + (np.arange(count) * every * 1e9).astype(np.int64)
        answers: list[asyncio.Task[int]] = []
        async with asyncio.TaskGroup() as tasks:
            for request, moment in zip(requests, due, strict=True):
                await asyncio.sleep(max(0.0, (int(moment) - now()) / 1e9) if every else 0)
                answers.append(tasks.create_task(self._send(request)))
        return Sent(first, due, np.array([answer.result() for answer in answers]))

    async def deliver(self, receiver: Receiver, count: int, every: float = 0.0, *, turns: int = 1) -> Delivered:
        """Make changes, a few times over, and wait until each came to every watcher; TimeoutError if one does not."""
        before = self._usage(receiver)
        millis = []
        for _ in range(turns):
            sent = await self.paced(count, every)
            whole = await receiver.wait(count)
            arrivals = await receiver.take()
            if not whole:
                raise TimeoutError(f"only {len(arrivals.nanos):,} of {count * receiver.watchers:,} arrived")
            millis.append(sent.millis_until(arrivals))
        sending, receiving = (self._usage(receiver) - before) / (turns * count * receiver.watchers) * 1e6
        return Delivered(np.concatenate(millis), float(sending), float(receiving))

    def _usage(self, receiver: Receiver) -> NDArray[np.float64]:
        return np.array([self._subject.server.cpu_seconds(), receiver.cpu_seconds()])

    async def _send(self, request: bytes) -> int:
        await self._call(request)
        return now()


@asynccontextmanager
async def changer(subject: Subject) -> AsyncIterator[Changer]:
    """Connect to who is to be changed."""
    async with aio.insecure_channel(subject.server.address, options=_OPTIONS) as channel:
        yield Changer(subject, channel)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Watchers of a subject, and the memory that it took for each of them."""

    receiver: Receiver
    kibibytes: float


@asynccontextmanager
async def watched_by(subject: Subject, watchers: int, *, channels: int, python: bool = False) -> AsyncIterator[Crowd]:
    """Open watchers of a subject; with *python*, as Python clients do."""
    before = subject.server.resident_bytes()
    async with receiver(subject.watched, watchers, channels=channels, python=python) as received:
        yield Crowd(received, (subject.server.resident_bytes() - before) / watchers / 1024)
