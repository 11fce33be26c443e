"""The only publisher: revision after revision, whoever wrote it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from math import inf

from airegistry.errors import UnavailableError
from airegistry.outage import Outage
from registry.store.base import Store
from registry.store.records import Basis, Logged
from registry.view import View

log = logging.getLogger(__name__)

_RETRY = 0.5
"""For how long the log is left alone after it could not be read, in seconds."""


class Tail:
    """Moves the view along the log of the store.

    What this process wrote itself is published from memory as soon as it is next; everything else is read. `gaps` counts
    revisions that should have been there and were not, `reloads` how often the log was lost and everything read anew.
    """

    def __init__(self, store: Store, view: View) -> None:
        self.gaps = 0
        self.reloads = 0
        self._store = store
        self._view = view
        self._own: dict[int, Logged] = {}
        self._reading = asyncio.Lock()

    async def run(self) -> None:
        """Follow what others write, until cancelled."""
        outage = Outage(log, "following the log")
        while True:
            await self._store.changed()
            try:
                shown = self._view.revision
                newest = await self._store.newest()
                self.refuse_past(shown, newest)
                await self.reach(newest)
            except UnavailableError as error:
                outage.failed(error)
                await asyncio.sleep(_RETRY)
            else:
                outage.worked()

    def committed(self, revisions: Iterable[Logged]) -> None:
        """Take in what this process wrote, and publish what is next."""
        # Those that were read from the log meanwhile are shown already.
        self._own.update((logged.number, logged) for logged in revisions if logged.number > self._view.revision)
        self._publish_own()

    def refuse_past(self, shown: int, newest: int) -> None:
        """End this process when the store, at *newest*, is behind what was *shown* before it was asked.

        It was restored, or fell over to a copy that had not everything: what this replica shows may never have been.
        """
        if newest < shown:
            raise RuntimeError(
                f"the store went back to revision {newest}, and this replica has shown {shown}: start it anew"
            )

    async def reach(self, revision: int) -> None:
        """Return when the view shows *revision*, which is committed."""
        while self._view.revision < revision:
            async with self._reading:
                if self._view.revision < revision:
                    await self._read()

    async def settle(self, read: Callable[[], Awaitable[Basis]]) -> Basis:
        """Return what *read* finds, and leave the view as it was at that very moment until the caller awaits again.

        A view that is newer would show what a request has done already, to its retry that does not know the reply yet.
        """
        async with self._reading:
            while True:
                shown = self._view.revision
                basis = await read()
                self.refuse_past(shown, basis.revision)
                while self._view.revision < basis.revision:
                    await self._read(basis.revision)
                # Further only when everything had to be read anew.
                if self._view.revision == basis.revision:
                    return basis

    async def _read(self, limit: float = inf) -> None:
        """Publish what the log has next, up to *limit* (inclusive). It has something, or it was lost."""
        after = self._view.revision
        for logged in await self._store.since(after):
            if logged.number > min(limit, self._view.revision + 1):
                break
            if logged.number == self._view.revision + 1:
                self._view.publish(logged)
                self._publish_own()
        if self._view.revision == after:
            await self._reload()

    def _publish_own(self) -> None:
        while (logged := self._own.pop(self._view.revision + 1, None)) is not None:
            self._view.publish(logged)

    async def _reload(self) -> None:
        """Read everything anew: what should come next is not in the log."""
        contents = await self._store.load()
        at = self._view.revision
        # Own revisions may have been published while that was read.
        if contents.revision <= at:
            return
        if contents.compacted <= at:
            self.gaps += 1
            log.critical("revision %d is not in the log: a gap that must not be", at + 1)
        else:
            log.warning("the log begins after revision %d; this replica was at %d", contents.compacted, at)
        self.reloads += 1
        self._view.replace(contents)
        self._own = {number: logged for number, logged in self._own.items() if number > contents.revision}
        self._publish_own()
