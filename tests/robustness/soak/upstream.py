"""Providers of every dialect that mostly answer, and else fail in one of the ways of `tests.faults.table`."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

from airegistry import dialects
from airegistry.resources.resource import Resource
from airegistry.resources.route import RoutePolicy, RouteTarget, RouteTier
from tests import catalogs
from tests.faults.misbehaving import Misbehaviour, healthy
from tests.faults.table import FAULTS
from tests.faults.ways import SPOKEN
from tests.faults.wires import Wire
from tests.providers import Behaviour, Peer, provider

HASTY = RoutePolicy(connect_timeout=0.5, first_token_timeout=0.5, idle_timeout=0.5, total_timeout=4.0)
"""Silence for minutes, at a scale of 1 to 60."""

MOODS = {"steady": 0.02, "moody": 0.3, "broken": 0.9}
"""Which share of its requests a provider fails."""


class Upstream:
    """The behaviour of all providers: drawn from *rng*, and counted."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.did: Counter[str] = Counter()

    def behaviour(self, wire: Wire, share: float) -> Behaviour:
        async def behave(peer: Peer) -> None:
            name, what = self._draw(share)
            self.did[name] += 1
            await what(wire, peer)

        return behave

    def _draw(self, share: float) -> tuple[str, Misbehaviour]:
        if self._rng.random() >= share:
            return "healthy", healthy
        fault = self._rng.choice(FAULTS)
        return fault.id, fault.behave[0]


@asynccontextmanager
async def upstream(rng: random.Random) -> AsyncIterator[tuple[Upstream, list[Resource]]]:
    """Run a provider of each mood in each dialect; lend what the gateway has to know of them."""
    running = Upstream(rng)
    known: list[Resource] = []
    async with AsyncExitStack() as stack:
        for wire in spoken():
            for mood, share in MOODS.items():
                up = await stack.enter_async_context(provider(running.behaviour(wire, share)))
                known += _model(f"{short(wire)}-{mood}", up.url, wire)
            known.append(_route(wire))
        yield running, known


def spoken() -> list[Wire]:
    """Return the dialects that can be called."""
    return [wire for wire in SPOKEN if wire.dialect in dialects.names()]


def short(wire: Wire) -> str:
    """Return the name of what is spoken as a part of an id."""
    return wire.id.replace(".", "-")


def callable_names() -> Iterator[str]:
    """Yield what can be written as the model of a call: a provider alone, and a route over all of a dialect."""
    for wire in spoken():
        yield from (f"{short(wire)}-{mood}-alone" for mood in MOODS)
        yield short(wire)


def _model(id_: str, url: str, wire: Wire) -> list[Resource]:
    tiers = (RouteTier((RouteTarget(model=f"models/{id_}"),)),)
    return [
        catalogs.model(id_),
        catalogs.endpoint(id_, url, model=id_, communication=wire.communication),
        catalogs.route(f"{id_}-alone", tiers=tiers, policy=HASTY),
    ]


def _route(wire: Wire) -> Resource:
    """Return a route that asks the worst first."""
    names = [f"{short(wire)}-{mood}" for mood in reversed(MOODS)]
    tiers = tuple(RouteTier((RouteTarget(model=f"models/{name}"),)) for name in names)
    return catalogs.route(short(wire), tiers=tiers, policy=HASTY)
