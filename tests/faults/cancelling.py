"""How long it takes from a caller's going away until the provider's connection is closed, in every phase of a call.

`python -m tests.faults.cancelling` prints it for every way to call the gateway.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from tests.faults.calling import Ask, Carrier, Got
from tests.faults.misbehaving import Misbehaviour, nothing_but_headers, silence, stall
from tests.faults.scene import Scene, open_scene
from tests.faults.ways import CARRIERS
from tests.faults.wires import OPENAI_CHAT, Wire
from tests.providers import Provider, provider

QUEUED = "queued"
PHASES: Mapping[str, Misbehaviour] = {
    "before-headers": silence,
    "before-the-first-token": nothing_but_headers,
    "in-the-middle": stall,
}
"""Where a call stands when its caller goes away, and the provider that keeps it there."""
PATIENCE = 30.0
SETTLING = 0.05
"""After how long a call has come as far as it can."""


async def cancelled_after(scene: Scene, carrier: Carrier, phase: str, wire: Wire = OPENAI_CHAT) -> float:
    """Return the seconds until the provider saw that nobody waits any more."""
    async with _provider(wire, PHASES[phase]) as up:
        name = scene.serve([up.url], [wire.communication], None)
        calling = asyncio.ensure_future(carrier.call(scene.callers, Ask(name)))
        await asyncio.wait_for(up.asked.wait(), PATIENCE)
        await asyncio.sleep(SETTLING)
        left = time.monotonic()
        await _leave(calling)
        await asyncio.wait_for(up.seen[0].gone.wait(), PATIENCE)
        await scene.quiet([up])
        return up.seen[0].gone_at - left


async def cancelled_in_queue_after(scene: Scene, carrier: Carrier) -> float:
    """Return the seconds until a call left the queue of a gateway that takes one at a time. The provider never hears of it."""
    admission = scene.gateway.engine.admission
    async with _provider(OPENAI_CHAT, silence) as up:
        name = scene.serve([up.url], [OPENAI_CHAT.communication], None)
        first = asyncio.ensure_future(carrier.call(scene.callers, Ask(name)))
        await asyncio.wait_for(up.asked.wait(), PATIENCE)
        second = asyncio.ensure_future(carrier.call(scene.callers, Ask(name)))
        async with asyncio.timeout(PATIENCE):
            while not admission.waiting:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.002)
        left = time.monotonic()
        await _leave(second)
        async with asyncio.timeout(PATIENCE):
            while admission.waiting:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)
        seconds = time.monotonic() - left
        await _leave(first)
        await scene.quiet([up])
        assert len(up.seen) == 1
        return seconds


@asynccontextmanager
async def _provider(wire: Wire, misbehaviour: Misbehaviour) -> AsyncIterator[Provider]:
    async with provider(partial(misbehaviour, wire)) as up:
        yield up


async def _leave(calling: asyncio.Future[Got]) -> None:
    calling.cancel()
    await asyncio.wait((calling,))
    assert calling.cancelled()


async def main(times: int = 100) -> None:
    """Print the median and the 99th of a hundred for every way to call, and every phase."""
    # A gateway that hears of no registry says so again and again.
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        async with open_scene(Path(folder) / "one", gateway_max_in_flight=1) as one, open_scene(Path(folder)) as scene:
            for carrier in CARRIERS:
                _print(carrier, QUEUED, [await cancelled_in_queue_after(one, carrier) for _ in range(times)])
                for phase in PHASES:
                    _print(carrier, phase, [await cancelled_after(scene, carrier, phase) for _ in range(times)])


def _print(carrier: Carrier, phase: str, seconds: list[float]) -> None:
    p50, p99 = statistics.median(seconds), statistics.quantiles(seconds, n=100)[-1]
    print(f"{carrier.id:28} {phase:24} p50 {p50 * 1e3:7.2f} ms   p99 {p99 * 1e3:7.2f} ms")  # noqa: T201 - a report


if __name__ == "__main__":
    asyncio.run(main())
