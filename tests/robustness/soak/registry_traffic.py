"""Callers of a registry, and connections that are cut under calls of registry and gateway."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from itertools import count

from airegistry.v1.registry_service_pb2_grpc import RegistryServiceStub
from tests.faults.calling import Ask, Callers
from tests.planes import CARRIER
from tests.robustness.proxy import Proxy
from tests.robustness.soak.registry_calls import BY_ENVOY, BY_GRPC, Act, Registry, cut
from tests.robustness.soak.traffic import OFFERED, connected
from tests.robustness.soak.upstream import callable_names

LONGEST = 60.0
"""Seconds within which every act must be over, whatever it is and however busy the machine is."""
_ACTS: tuple[Act, ...] = (*BY_GRPC, *(BY_ENVOY if CARRIER == "envoy" else ()))
_PAUSE = 0.3
_CUTS_APART = 1.0


@dataclass
class Acts:
    """What was done, and what went wrong."""

    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    async def note(self, name: str, act: Awaitable[str]) -> None:
        """Do something, and judge how it ends."""
        try:
            async with asyncio.timeout(LONGEST):
                self.done[await act] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, a caller saw it
            self.wrong.append(f"{name}: {error!r}")


class RegistryTraffic:
    """*callers* of a registry at a time, and one who cuts its connections."""

    def __init__(self, grpc: str, http: str, cutting: Proxy, rng: random.Random) -> None:
        self._grpc = grpc
        self._http = http
        self._cutting = cutting
        self._rng = rng
        self._numbers = count()
        self.acts = Acts()

    async def run(self, seconds: float, callers: int) -> None:
        """Call for that long, over connections that are closed at the end. Who is not done by then leaves."""
        until = time.monotonic() + seconds
        async with connected(self._grpc, self._http) as (channel, session), asyncio.TaskGroup() as tasks:
            registry = Registry(self._grpc, RegistryServiceStub(channel), session, self._rng, self._numbers)
            await registry.begin()
            calling = [tasks.create_task(self._caller(registry)) for _ in range(callers)]
            tasks.create_task(self._cutter(replace(registry, address=self._cutting.address), until))
            await asyncio.sleep(until - time.monotonic())
            for caller in calling:
                caller.cancel()

    async def _caller(self, registry: Registry) -> None:
        while True:
            act = self._rng.choice(_ACTS)
            await self.acts.note(act.__name__, act(registry))
            await registry.some_time(_PAUSE)

    async def _cutter(self, behind: Registry, until: float) -> None:
        while time.monotonic() < until:
            await self.acts.note("cut", cut(behind, self._cutting.cut))
            await behind.some_time(_CUTS_APART)


class Cutting:
    """Calls to a gateway through *proxy*, whose connections are cut under them."""

    def __init__(self, proxy: Proxy, rng: random.Random) -> None:
        self._proxy = proxy
        self._rng = rng
        self._names = list(callable_names())
        self.acts = Acts()

    async def run(self, seconds: float) -> None:
        """Call, and cut, for that long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await self.acts.note("cut", self._cut())
            await asyncio.sleep(self._rng.random() * _CUTS_APART)

    async def _cut(self) -> str:
        address = self._proxy.address
        async with connected(address, address, ("grpc.use_local_subchannel_pool", 1)) as connections:
            callers = Callers(*connections)
            chosen = [(self._rng.choice(OFFERED), Ask(self._rng.choice(self._names))) for _ in range(4)]
            calls = [asyncio.ensure_future(carrier.call(callers, ask)) for carrier, ask in chosen]
            await asyncio.sleep(self._rng.random() * 0.3)
            await asyncio.to_thread(self._proxy.cut)
            await asyncio.wait(calls)
            cut = sum(call.exception() is not None for call in calls)
        return f"{cut} of {len(calls)} calls cut"
