"""What heartbeats say of load, on its way to all replicas: at most one epoch a second, whatever their number."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import Protocol

from airegistry.errors import UnavailableError
from airegistry.outage import Outage
from registry.observations.base import ObservationStore
from registry.observations.delta import Delta, Load, Target
from registry.observations.loads import load_of
from registry.observations.records import Epoch, Group
from registry.requests import HeartbeatBatch, HeartbeatResult

log = logging.getLogger(__name__)

PAUSE = 1.0
"""How long it is between two epochs of one replica, in seconds at least."""


class Shown(Protocol):
    """What is known so far."""

    def load_target(self, name: str) -> tuple[Target, bool] | None:
        """Return who is registered as *name* and whether a load of it is known; None when nobody is measured by that name."""
        ...

    async def take(self, epoch: Epoch) -> None:
        """Show an epoch that was written."""
        ...


class Heard:
    """Keeps the latest load of each name until it is written: the owner runs `run`.

    No heartbeat waits for it. What is lost when a replica dies is said again with the next heartbeat.
    """

    def __init__(self, store: ObservationStore, shown: Shown, *, pause: float = PAUSE) -> None:
        self._store = store
        self._shown = shown
        self._pause = pause
        self._said: dict[Target, Load] = {}
        self._writing: dict[Target, Load] = {}
        self._wake = asyncio.Event()

    def hear(self, batch: HeartbeatBatch, result: HeartbeatResult) -> None:
        """Note the loads of the leases that were renewed; one that a heartbeat does not tell any more is unknown."""
        now = self._store.now()
        for renewal, renewed in zip(batch.renewals, result.results, strict=True):
            if renewed.lease_ttl is not None:
                self._note(renewal.name, load_of(renewal.load, now, renewed.lease_ttl))

    async def run(self) -> None:
        """Write what was heard, until cancelled."""
        outage = Outage(log, "telling the loads that heartbeats report")
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._writing = said = self._said
            self._said = {}
            try:
                epoch = await self._store.commit(Group(str(uuid.uuid4()), {}, Delta(loads=said)))
            except UnavailableError as error:
                # Whether it was written or not: to say it twice changes nothing.
                self._said = said | self._said
                self._wake.set()
                outage.failed(error)
            else:
                outage.worked()
                await self._shown.take(epoch)
            self._writing = {}
            await asyncio.sleep(self._pause)

    def _note(self, name: str, load: Load) -> None:
        found = self._shown.load_target(name)
        if found is None:
            return
        target, known = found
        if load.value is not None or known or target in self._said or target in self._writing:
            self._said[target] = load
            self._wake.set()
