"""Verdicts on their way to the catalog."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

from airegistry.backoff import Backoff
from airegistry.errors import RegistryError
from registry.probes.verdict import Verdict

log = logging.getLogger(__name__)

AT_ONCE = 100
"""Verdicts reported together."""

Report = Callable[[Sequence[Verdict]], Awaitable[object]]


class Reporter:
    """Holds the latest verdict on each endpoint until it was reported, or the next one says that there is nothing to say."""

    def __init__(self, report: Report, backoff: Backoff | None = None) -> None:
        self._report = report
        self._backoff = backoff or Backoff(first=1.0, most=30.0)
        self._waiting: dict[str, Verdict] = {}
        self._added = asyncio.Event()

    def add(self, verdict: Verdict) -> None:
        """Report a verdict soon."""
        self._waiting[verdict.name] = verdict
        self._added.set()

    def drop(self, name: str) -> None:
        """Report nothing of that endpoint."""
        self._waiting.pop(name, None)

    async def run(self) -> None:
        """Report until cancelled. What could not be reported is tried again, after everything else."""
        while True:
            await self._added.wait()
            self._added.clear()
            while batch := tuple(islice(self._waiting.values(), AT_ONCE)):
                if not await self._reported(batch):
                    await asyncio.sleep(self._backoff.next())

    async def _reported(self, batch: Sequence[Verdict]) -> bool:
        try:
            await self._report(batch)
        except RegistryError as error:
            log.warning("%d verdicts of probes were not written: %s", len(batch), error.message)
            for verdict in batch:
                if self._waiting.get(verdict.name) is verdict:
                    self._waiting[verdict.name] = self._waiting.pop(verdict.name)
            return False
        self._backoff.reset()
        for verdict in batch:
            if self._waiting.get(verdict.name) is verdict:
                del self._waiting[verdict.name]
        return True
