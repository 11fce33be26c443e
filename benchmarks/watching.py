"""Watch: 1,000 watchers of one registry, from a change to its arrival, beside a bare grpc.aio fan-out.

The watchers share the machine, and one process, with each other: most of a figure is their own work. That is why the
reference matters more than the milliseconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

import uvloop
from grpc import aio

from airegistry._convert import to_pb
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1 import resource_pb2
from benchmarks import fanout
from benchmarks.processes import Server, data_dir, registry, script
from benchmarks.rows import Row, median, percentile

WATCHERS = 1_000
CHANNELS = 10
EVENTS = 40
BURST = 100
MAX_MILLIS = 50.0
MAX_KIBIBYTES = 40.0

_REGISTER = "/airegistry.v1.RegistryService/Register"
_WATCH = "/airegistry.v1.RegistryService/Watch"
_OPTIONS = [("grpc.use_local_subchannel_pool", 1)]


@dataclass(frozen=True, slots=True)
class Subject:
    """A server that is watched, and how to change something there."""

    server: Server
    watch: str
    change: str
    make: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run gave, in seconds: a change alone, its arrival at each watcher after that, and what it took."""

    commit: float
    singles: list[float]
    burst: list[float]
    cpu_micros: float
    kibibytes: float


@dataclass(slots=True)
class Arrivals:
    """When messages came, at all watchers together."""

    times: list[float] = field(default_factory=list)
    last: set[int] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    marker: bytes = b"\0"

    def note(self, watcher: int, message: bytes) -> None:
        """Note a message; one that holds the marker is the last that its watcher waits for."""
        self.times.append(time.perf_counter())
        if self.marker in message:
            self.last.add(watcher)
            if len(self.last) == WATCHERS:
                self.changed.set()

    async def until(self, marker: bytes, send: Callable[[], Awaitable[object]]) -> list[float]:
        """Send something, and return when it came to each watcher, up to the message that holds *marker*."""
        self.times, self.last, self.marker = [], set(), marker
        self.changed.clear()
        async with asyncio.timeout(60):
            await send()
            await self.changed.wait()
        return self.times


def measure() -> list[Row]:
    """Measure single changes, then a burst of changes, on the registry and on the reference."""
    with data_dir() as folder, registry(folder) as server, script("benchmarks.fanout") as bare:
        reference = uvloop.run(_measure(Subject(bare, fanout.WATCH, fanout.SEND, _register)))
        ours = uvloop.run(_measure(Subject(server, _WATCH, _REGISTER, _register)))
    return _rows(ours, reference)


def _rows(ours: Figures, reference: Figures) -> list[Row]:
    p99 = percentile(ours.singles, 0.99) * 1e3
    return [
        Row(
            f"Watch, {WATCHERS:,} watchers: commit → received",
            f"p50 {median(ours.singles) * 1e3:.0f} ms, p99 {p99:.0f} ms; {ours.cpu_micros:.0f} µs CPU per delivery; "
            f"the change itself, with nobody watching: {ours.commit * 1e3:.1f} ms",
            f"bare fan-out: p50 {median(reference.singles) * 1e3:.0f} ms, p99 {percentile(reference.singles, 0.99) * 1e3:.0f} ms; "
            f"{reference.cpu_micros:.0f} µs",
            f"p99 ≤ {MAX_MILLIS:.0f} ms",
            p99 <= MAX_MILLIS,
        ),
        Row(
            f"Watch, {WATCHERS:,} watchers: burst of {BURST} changes, all received",
            f"{max(ours.burst) * 1e3:.0f} ms",
            f"bare fan-out: {max(reference.burst) * 1e3:.0f} ms",
            "reported",
        ),
        Row(
            "Watch, memory per watcher",
            f"{ours.kibibytes:.0f} KiB",
            f"bare fan-out: {reference.kibibytes:.0f} KiB",
            f"≤ {MAX_KIBIBYTES:.0f} KiB",
            ours.kibibytes <= MAX_KIBIBYTES,
        ),
    ]


async def _measure(subject: Subject) -> Figures:
    arrivals = Arrivals()
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(aio.insecure_channel(subject.server.address, options=_OPTIONS))
            for _ in range(CHANNELS + 1)
        ]
        change = channels[CHANNELS].unary_unary(subject.change, None, None)
        commit = await _alone(subject, change)
        before = subject.server.resident_bytes()
        opened = asyncio.Barrier(WATCHERS + 1)
        watchers = [
            asyncio.create_task(_watch(channels[n % CHANNELS], subject.watch, n, arrivals, opened))
            for n in range(WATCHERS)
        ]
        await opened.wait()
        kibibytes = (subject.server.resident_bytes() - before) / WATCHERS / 1024
        used = subject.server.cpu_seconds()
        singles = await _singles(subject, change, arrivals)
        used = subject.server.cpu_seconds() - used
        burst = await _burst(subject, change, arrivals)
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
    return Figures(commit, [seen - commit for seen in singles], burst, used / (EVENTS * WATCHERS) * 1e6, kibibytes)


async def _alone(subject: Subject, change: Callable[[bytes], Awaitable[object]]) -> float:
    """Return how long a change takes while nobody watches."""
    taken = []
    for number in range(EVENTS):
        started = time.perf_counter()
        await change(subject.make(10_000 + number))
        taken.append(time.perf_counter() - started)
    return median(taken)


async def _singles(subject: Subject, change: Callable[[bytes], Awaitable[object]], arrivals: Arrivals) -> list[float]:
    latencies: list[float] = []
    for number in range(EVENTS):
        request = subject.make(number)
        started = time.perf_counter()
        times = await arrivals.until(_marker(number), partial(change, request))
        latencies += [seen - started for seen in times]
        await asyncio.sleep(0.05)
    return latencies


async def _burst(subject: Subject, change: Callable[[bytes], Awaitable[object]], arrivals: Arrivals) -> list[float]:
    numbers = range(1_000, 1_000 + BURST)
    requests = [subject.make(number) for number in numbers]

    async def send() -> None:
        # The last one is sent after the others were answered, so that its arrival is the end of the burst.
        await asyncio.gather(*(change(request) for request in requests[:-1]))
        await change(requests[-1])

    started = time.perf_counter()
    times = await arrivals.until(_marker(numbers[-1]), send)
    return [seen - started for seen in times]


async def _watch(channel: aio.Channel, path: str, number: int, arrivals: Arrivals, opened: asyncio.Barrier) -> None:
    call = channel.unary_stream(path, None, None)(pb.WatchRequest(skip_snapshot=True).SerializeToString())
    async for _first in call:
        break
    await opened.wait()
    async for message in call:
        arrivals.note(number, message)


def _marker(number: int) -> bytes:
    return b"Watched number %06d" % number


def _register(number: int) -> bytes:
    resource = Resource(name=f"models/watched-{number}", model=Model(display_name=_marker(number).decode()))
    return pb.RegisterRequest(resources=[to_pb(resource, resource_pb2.Resource)]).SerializeToString()
