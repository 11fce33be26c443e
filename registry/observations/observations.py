"""All that is known of what was measured, as one replica shows it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from airegistry.errors import CompactedError, NotFoundError, UnavailableError
from airegistry.observations.performance import Performance
from airegistry.outage import Outage
from registry.entry import Entry
from registry.feed import Feed
from registry.observations.base import ObservationStore
from registry.observations.delta import SLOT, Target
from registry.observations.folding import INTERVAL, keep_house
from registry.observations.heard import Heard
from registry.observations.intake import Intake
from registry.observations.lane import Lane
from registry.observations.records import Epoch, Loaded
from registry.observations.retention import Retention
from registry.observations.targets import MEASURED, Targets, target_of
from registry.observations.windows import FROM_EPOCHS, FROM_HOURS, FROM_MINUTES, Windows

log = logging.getLogger(__name__)

POLL = 0.5
"""How often a replica looks for epochs of others, in seconds."""
_TIDY = 60.0
# How many targets are derived before others have their turn: each takes some 40 µs.
_AT_ONCE = 50


class Ranked(Protocol):
    """What ranks by what was measured."""

    def observe(self, performances: Iterable[Performance], epoch: int) -> None:
        """Take in what was measured of some, as of *epoch*."""
        ...


class Observations:
    """What was measured of all targets; *index* is told of every change, and the lane of which names it was.

    What is shown follows from the epochs in their order, whichever replica wrote them, so at one epoch all replicas show
    the same.
    """

    def __init__(
        self,
        store: ObservationStore,
        index: Ranked,
        entries: Mapping[str, Entry],
        feed: Feed,
        *,
        reloads: Callable[[], int] = lambda: 0,
    ) -> None:
        self.store = store
        self.targets = Targets(entries)
        self.lane = Lane()
        self._index = index
        self._entries = entries
        self._feed = feed
        self._reloads = reloads
        self._windows = Windows()
        # Held from the first window that moves until the index shows it, so that an epoch is shown whole; never while the
        # store is asked.
        self._moving = asyncio.Lock()
        self._strange: set[Target] = set()

    @property
    def epoch(self) -> int:
        """The newest observation epoch that is shown."""
        return self._windows.epoch

    @property
    def measured(self) -> int:
        """Of how many targets something is known."""
        return len(self._windows)

    @property
    def entries(self) -> int:
        """How many counters are held."""
        return self._windows.entries

    def performance(self, name: str) -> Performance:
        """Return what was measured of *name*, as of the newest epoch; NotFoundError when it is not registered."""
        found = self.targets.get(name)
        if found is None:
            raise NotFoundError(f"{name} does not exist", metadata={"name": name})
        return self._windows.performance(found[0])

    def latest(self, name: str) -> Performance:
        """Return what was measured of *name*; nothing when it is not registered."""
        return self._windows.performance(self._target(name))

    def measured_names(self, prefix: str) -> Sequence[str]:
        """Return the names that begin with *prefix* of which something may be known."""
        return [
            target.name
            for target in self._windows.known()
            if target.name.startswith(prefix) and self.targets.current(target)
        ]

    def load_target(self, name: str) -> tuple[Target, bool] | None:
        """Return who is registered as *name*, and whether a load of it is known; None when nobody is that is measured."""
        found = self.targets.get(name)
        return (found[0], self._windows.load_known(found[0])) if found is not None else None

    async def load(self) -> None:
        """Read everything from the store, and show it."""
        while True:
            shown = self.epoch
            found = await self.store.load()
            async with self._moving:
                if self.epoch == shown:
                    await self._begin(found)
                    return
            # Something newer was shown meanwhile, perhaps.

    async def take(self, epoch: Epoch) -> None:
        """Show an epoch that this replica wrote, and those of others before it."""
        async with self._moving:
            if epoch.number == self.epoch + 1:
                await self._show([epoch])
        if self.epoch < epoch.number:
            try:
                await self.follow()
            except UnavailableError as error:
                # It is durable; it is shown when the store can be asked again.
                log.warning("cannot show what was counted: %s", error.message)

    async def follow(self) -> None:
        """Show the epochs that others wrote."""
        shown, shown_time = self.epoch, self._windows.time
        newest, time = await self.store.newest()
        if newest < shown or (newest == shown and time != shown_time):
            log.warning("the store went back to observation epoch %d from %d; all is read anew", newest, shown)
            await self.load()
        while self.epoch < newest:
            if not await self._go_on(await self.store.since(self.epoch)):
                log.warning("observation epoch %d is gone; all is read anew", self.epoch + 1)
                await self.load()
                return

    async def tick(self) -> None:
        """Let the windows move on when something would leave them, though nothing was reported."""
        if self._windows.due(self.store.now()):
            await self.store.tick(SLOT)
            await self.follow()

    async def tidy(self) -> None:
        """Drop what is known of nobody, or of those that were not registered the last time either."""
        async with self._moving:
            strange = {target for target in self._windows.known() if not self.targets.current(target)}
            self._windows.forget((strange & self._strange) | self._windows.idle())
            self._strange = strange
            known = {target.name for target in self._windows.known()}
            self.lane.forget([name for name in self.lane if name not in known])

    async def run(self, intake: Intake, heard: Heard, retention: Retention) -> None:
        """Take in, follow, and keep house, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(intake.run())
            tasks.create_task(heard.run())
            tasks.create_task(self._follow_others())
            tasks.create_task(self._follow_resources())
            tasks.create_task(self._stay_tidy(intake))
            tasks.create_task(keep_house(self.store, retention, interval=INTERVAL))

    async def _follow_others(self) -> None:
        outage = Outage(log, "following the observations of others")
        reloads = self._reloads()
        while True:
            await asyncio.sleep(POLL)
            try:
                await self.follow()
                await self.tick()
            except UnavailableError as error:
                outage.failed(error)
            else:
                outage.worked()
            if reloads != self._reloads():
                # The index began anew.
                reloads = self._reloads()
                await self._show_again(self._windows.known())

    async def _follow_resources(self) -> None:
        """Tell of what is registered or gone: what was measured of it is shown, or is not any more."""
        reached = self._feed.newest
        while not self._feed.closed:
            try:
                async for revisions in self._feed.follow(reached):
                    for event in (event for revision in revisions for event in revision.events):
                        await self._resource_changed(event.old, event.new)
                    reached = revisions[-1].number
            except CompactedError:
                reached = self._feed.newest
                await self._show_again(self._windows.known())

    async def _resource_changed(self, old: Entry | None, new: Entry | None) -> None:
        known = [target_of(entry) for entry in (old, new) if entry is not None and entry.kind in MEASURED]
        if known and (old is None or new is None or known[0] != known[1]):
            changed = [target for target in known if target in self._windows]
            if changed:
                await self._show_again(changed)

    async def _stay_tidy(self, intake: Intake) -> None:
        outage = Outage(log, "learning of reporters")
        while True:
            try:
                await intake.refresh()
            except UnavailableError as error:
                outage.failed(error)
            else:
                outage.worked()
            await asyncio.sleep(_TIDY)
            await self.tidy()

    async def _begin(self, loaded: Loaded) -> None:
        before, windows = self._windows.known(), self._windows
        windows.begin(loaded.epoch, loaded.time)
        windows.fill(loaded.folded, FROM_EPOCHS)
        windows.fill(loaded.minutes, FROM_MINUTES)
        windows.fill(loaded.hours, FROM_HOURS)
        windows.fill(loaded.fresh, (*FROM_EPOCHS, *FROM_MINUTES, *FROM_HOURS))
        await self._derive({*before, *windows.known()})

    async def _go_on(self, epochs: Sequence[Epoch]) -> bool:
        """Show those of *epochs* that are not shown yet; say no when there is a gap before them."""
        async with self._moving:
            fresh = [epoch for epoch in epochs if epoch.number > self.epoch]
            if not epochs or (fresh and fresh[0].number != self.epoch + 1):
                return False
            if fresh:
                await self._show(fresh)
            return True

    async def _show(self, epochs: Iterable[Epoch]) -> None:
        touched: set[Target] = set()
        for epoch in epochs:
            touched |= self._windows.apply(epoch.number, epoch.time, epoch.delta)
        await self._derive(touched)

    async def _show_again(self, targets: Iterable[Target]) -> None:
        async with self._moving:
            await self._derive(targets)

    def _target(self, name: str) -> Target:
        """Return the target that is registered as *name*; one of which nothing is known when there is none."""
        found = self.targets.get(name)
        return found[0] if found is not None else Target(name, "")

    async def _derive(self, targets: Iterable[Target]) -> None:
        """Let the index and the lane know of *targets*, all at once."""
        names = list({target.name: None for target in targets})
        performances: list[Performance] = []
        for start in range(0, len(names), _AT_ONCE):
            performances += self._windows.performances([self._target(name) for name in names[start : start + _AT_ONCE]])
            await asyncio.sleep(0)
        self._index.observe(performances, self.epoch)
        self.lane.tell(names, self.epoch)
