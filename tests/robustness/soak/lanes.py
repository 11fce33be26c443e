"""One way to call a primary that goes and comes back: its calls, their ends, and when the primary was asked."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from itertools import pairwise

from airegistry.invoke import EngineSettings
from airegistry.resources.resource import Resource
from airegistry.resources.route import RouteTarget, RouteTier
from tests import catalogs
from tests.faults.calling import Ask, Callers, Carrier
from tests.faults.judging import ANSWERED, as_it_ends, timed
from tests.faults.misbehaving import healthy
from tests.faults.ways import CARRIERS
from tests.faults.wires import OPENAI_CHAT
from tests.ports import free_address
from tests.providers import Peer

PACE = 0.5
"""Seconds between two calls."""
PROBES = 4
"""How many probes of a minute are few: after 5, 10, 20 and 25 s."""
_APART = 4 * PACE


@dataclass
class Lane:
    """Calls by one carrier of a route of its own, with a primary of its own. All seconds are since the outage, or its end."""

    carrier: Carrier
    address: str
    calls: int = 0
    failures: list[str] = field(default_factory=list)
    longest: float = 0.0
    tried: list[float] = field(default_factory=list)
    """When the gateway tried the primary while that was down."""
    back: float | None = None
    """When the primary was used again."""
    others_after_back: int = 0
    answered: int = 0
    """By the primary."""
    _attempts: int = 0
    _down_since: float | None = None
    _well_since: float | None = None

    @property
    def port(self) -> int:
        """Where its primary listens when it is well."""
        return int(self.address.rpartition(":")[2])

    def resources(self, other: str) -> list[Resource]:
        """Return what the gateway has to know: a route over the primary and, behind it, *other*."""
        urls = {f"{self.carrier.id}-primary": f"http://{self.address}/v1", f"{self.carrier.id}-other": other}
        tiers = tuple(RouteTier((RouteTarget(model=f"models/{id_}"),)) for id_ in urls)
        known = [catalogs.route(self.carrier.id, tiers=tiers)]
        for id_, url in urls.items():
            known += [catalogs.model(id_), catalogs.endpoint(id_, url, model=id_)]
        return known

    def goes_down(self) -> None:
        """Note that the primary is down from now on."""
        self._down_since = time.monotonic()

    def comes_back(self) -> None:
        """Note that the primary is well from now on."""
        self._well_since, self._down_since = time.monotonic(), None

    async def answer(self, peer: Peer) -> None:
        """Be the primary while it is well."""
        self.answered += 1
        if self.back is None and self._well_since is not None:
            self.back = time.monotonic() - self._well_since
        await healthy(OPENAI_CHAT, peer)

    async def run(self, callers: Callers, until: float, at_most: float = 0.0) -> None:
        """Call at a pace, and on until the primary is back, but not after *at_most*; each call must be answered wholly."""
        turn = time.monotonic()
        while turn < until or (self.back is None and turn < at_most):
            await self._one(callers)
            turn += PACE
            await asyncio.sleep(max(0.0, turn - time.monotonic()))

    async def _one(self, callers: Callers) -> None:
        started, answered, was_back = time.monotonic(), self.answered, self.back is not None
        try:
            as_it_ends(await timed(self.carrier.call(callers, Ask(self.carrier.id))), ANSWERED)
        except Exception as error:  # noqa: BLE001 - whatever it is, a caller saw it
            self.failures.append(repr(error))
        self.calls += 1
        self.longest = max(self.longest, time.monotonic() - started)
        self.others_after_back += was_back and self.answered == answered

    def note_attempts(self, page: str) -> None:
        """Note whether the gateway tried the primary since the last time, by its own metrics."""
        target = f'target="models/{self.carrier.id}-primary/endpoints/{self.carrier.id}-primary"'
        now = sum(map(float, re.findall(rf"^airegistry_attempts_total\{{.*{target}.*\}} (\S+)$", page, re.MULTILINE)))
        if self._down_since is not None:
            self.tried += [time.monotonic() - self._down_since] * (int(now) - self._attempts)
        self._attempts = int(now)

    def tried_apart(self) -> tuple[list[float], list[float]]:
        """Return the tries with every call, until calls began to pass the primary by, and the probes after them."""
        for number, (earlier, later) in enumerate(pairwise(self.tried), 1):
            if later - earlier > _APART:
                return self.tried[:number], self.tried[number:]
        return self.tried, []

    def wrong(self, soon: float) -> list[str]:
        """Return what broke the promise."""
        opening, probes = self.tried_apart()
        most = max(EngineSettings().breaker.minimum_volume, round(EngineSettings().breaker.window / 2 / PACE))
        found = list(self.failures)
        if len(opening) > most or len(probes) > PROBES:
            found.append(f"the primary was tried at {self.tried} while it was down")
        if self.back is None or self.back > soon:
            found.append(f"the primary was used again after {self.back} s")
        if self.others_after_back:
            found.append(f"{self.others_after_back} calls went elsewhere after the primary was back")
        return found


def lanes() -> list[Lane]:
    """Return one for each way to call."""
    return [Lane(carrier, free_address()) for carrier in CARRIERS]
