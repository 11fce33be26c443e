"""Callers of every kind, some of whom go away, and how each of their calls ended."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
from grpc import aio

from tests.faults.calling import Ask, Callers, Carrier, Got
from tests.faults.over_envoy import ENVOY
from tests.faults.over_grpc import GRPC
from tests.faults.over_http import HTTP
from tests.faults.wires import TEXT
from tests.planes import CARRIER
from tests.robustness.soak.upstream import callable_names

LONGEST = 8.0
"""Seconds within which every call must have ended: twice the total timeout of the routes, for a busy machine."""
STALLED = 1.0
"""By how much this process itself must have been late, in a call's time, for its lateness to say nothing of the gateway."""
OFFERED = (*GRPC, *HTTP, *(ENVOY if CARRIER == "envoy" else ()))
"""Every way to call the gateway under test."""
_LEAVING = 0.1
_PAUSE = 0.05
_TICK = 0.1


@asynccontextmanager
async def connected(
    grpc: str, http: str, *options: tuple[str, int]
) -> AsyncIterator[tuple[aio.Channel, aiohttp.ClientSession]]:
    """Open connections to the two addresses of a server, which may be one, and close them at the end."""
    async with aio.insecure_channel(grpc, options) as channel, aiohttp.ClientSession(f"http://{http}") as session:
        yield channel, session


@dataclass
class Tally:
    """What callers of the gateway got. *wrong* says what no call may end as; it is empty when all is well."""

    ended: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    longest: float = 0.0

    def note(self, call: str, got: Got, seconds: float) -> None:
        """Count how a call ended, and judge it."""
        self.ended["whole" if got.whole else got.reason or "nothing"] += 1
        self.longest = max(self.longest, seconds)
        if (why := _wrong(got)) is not None:
            self.wrong.append(f"{call}: {why}")


def _wrong(got: Got) -> str | None:
    if got.whole == bool(got.reason):
        return f"neither a whole answer nor one error: {got}"
    if got.whole and (got.text != TEXT or not got.finished):
        return f"an end, but not the whole answer: {got}"
    if got.reason == "INTERNAL":
        return "an error that nobody foresaw"
    return None


class Traffic:
    """*callers* of a gateway, one call after the other each."""

    def __init__(self, grpc: str, http: str, rng: random.Random) -> None:
        self._grpc = grpc
        self._http = http
        self._rng = rng
        self._names = list(callable_names())
        self._late = 0.0
        self._running = 0
        self.tally = Tally()

    async def run(self, seconds: float, callers: int) -> None:
        """Call for that long, over connections that are closed at the end."""
        until = time.monotonic() + seconds
        async with connected(self._grpc, self._http) as connections, asyncio.TaskGroup() as tasks:
            shared = Callers(*connections)
            tasks.create_task(self._watch(until))
            for _ in range(callers):
                tasks.create_task(self._caller(shared, until))

    async def _watch(self, until: float) -> None:
        """Add up by how much this process was late: what stood still then was the machine."""
        while (now := time.monotonic()) < until + LONGEST:
            await asyncio.sleep(_TICK)
            self._late += max(0.0, time.monotonic() - now - 2 * _TICK)
            if now > until and not self._running:
                return

    async def _caller(self, callers: Callers, until: float) -> None:
        self._running += 1
        while time.monotonic() < until:
            carrier = self._rng.choice(OFFERED)
            ask = Ask(self._rng.choice(self._names))
            await (self._left if self._rng.random() < _LEAVING else self._answered)(callers, carrier, ask)
            await asyncio.sleep(self._rng.random() * _PAUSE)
        self._running -= 1

    async def _answered(self, callers: Callers, carrier: Carrier, ask: Ask) -> None:
        call, started, late = f"{carrier.id} of {ask.model}", time.monotonic(), self._late
        try:
            async with asyncio.timeout(LONGEST):
                got = await carrier.call(callers, ask)
        except TimeoutError:
            if self._late - late > STALLED:
                self.tally.ended["not judged, for the machine stood still"] += 1
            else:
                self.tally.wrong.append(f"{call}: no end within {LONGEST:g} s")
        except (AssertionError, ValueError, KeyError, TypeError, aiohttp.ClientError) as error:
            self.tally.wrong.append(f"{call}: {error!r}")
        else:
            self.tally.note(call, got, time.monotonic() - started)

    async def _left(self, callers: Callers, carrier: Carrier, ask: Ask) -> None:
        """Go away in the middle of a call."""
        calling = asyncio.ensure_future(carrier.call(callers, ask))
        await asyncio.wait([calling], timeout=self._rng.random() * 0.3)
        calling.cancel()
        with suppress(asyncio.CancelledError, aiohttp.ClientError):
            await calling
        self.tally.ended["left" if calling.cancelled() else "over before it was left"] += 1
