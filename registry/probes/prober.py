"""Probes what a catalog holds, over and over, and reports what changed."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Hashable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Protocol

from airegistry.errors import CompactedError, RevisionInFutureError
from airegistry.resources.endpoint import Endpoint, ProbeStep
from airegistry.resources.resource import ResourceKind
from registry.entry import Entry
from registry.feed import Feed
from registry.history import Event
from registry.probes.climb import Climb, Level
from registry.probes.guard import Guard
from registry.probes.judging import BELIEVED, judge
from registry.probes.reporting import Report, Reporter
from registry.probes.roster import Member, Roster, Unit
from registry.probes.schedule import Schedule
from registry.probes.sharding import Share
from registry.probes.tally import Tally
from registry.probes.target import Place
from registry.probes.verdict import restate

log = logging.getLogger(__name__)

MAX_RUNNING = 64
"""Probes at once."""

JITTER = 0.1
"""By how much of its interval a probe may come later, so that those that began together do not stay together."""

_SHARE_INTERVAL = 1.0
# How many endpoints are looked at before others get their turn.
_AT_ONCE = 500
# Stands in for the store's clock where it is only asked whether anything would change.
_SOME_TIME = datetime.fromtimestamp(0, UTC)


class CatalogView(Protocol):
    """What the prober follows."""

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The current entries."""
        ...

    @property
    def feed(self) -> Feed:
        """The history."""
        ...


class Climber(Protocol):
    """Who does the probing."""

    async def climb(self, place: Place, endpoint: Endpoint, highest: ProbeStep) -> Climb:
        """Probe *endpoint* at *place*, up to *highest*."""
        ...


class Prober:
    """Follows a catalog, and probes the endpoints of this replica's share.

    *report* gets verdicts that differ from what the resources show. When it raises a RegistryError they are reported again.
    """

    def __init__(self, catalog: CatalogView, report: Report, climber: Climber, share: Share | None = None) -> None:
        self._catalog = catalog
        self._climber = climber
        self._share = share or Share()
        self._rng = random.Random()
        self._reporter = Reporter(report)
        self._guard = Guard()
        self._roster = Roster()
        self._schedule: Schedule[Hashable] = Schedule()
        self._scheduled = asyncio.Event()
        self._slots = asyncio.Semaphore(MAX_RUNNING)
        self.tally = Tally(self._by_health, lambda: self._guard.active)

    async def run(self) -> None:
        """Probe until cancelled. When it ends by itself, something broke that must end the process."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._keep_share())
            tasks.create_task(self._reporter.run())
            await self._probe_all(tasks)

    async def _follow(self) -> None:
        while not self._catalog.feed.closed:
            try:
                async for revisions in self._catalog.feed.follow(await self._load()):
                    for event in (event for revision in revisions for event in revision.events):
                        self._take(event)
            except (CompactedError, RevisionInFutureError) as error:
                log.info("probes look at the whole catalog again: %s", error.message)

    async def _load(self) -> int:
        """Take in all entries; return the revision that they are of."""
        revision = self._catalog.feed.newest
        entries = [entry for entry in self._catalog.entries.values() if entry.kind is ResourceKind.ENDPOINT]
        for name in self._roster.names().difference(entry.name for entry in entries):
            self._remove(name)
        for i, entry in enumerate(entries):
            self._put(entry)
            if i % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return revision

    def _take(self, event: Event) -> None:
        if event.new is None:
            self._remove(event.name)
        elif event.new.kind is ResourceKind.ENDPOINT:
            self._put(event.new)

    def _put(self, entry: Entry) -> None:
        before = self._roster.unit_of(entry.name)
        member = self._roster.put(entry.resource)
        if before is not None and not before.members:
            self._let_go(before)
        if member is None:
            self._withdraw(entry.name)
        elif self._share.owns(member.unit.place.authority):
            self._take_up(member)

    def _remove(self, name: str) -> None:
        unit = self._roster.unit_of(name)
        self._roster.remove(name)
        self._reporter.drop(name)
        if unit is not None and not unit.members:
            self._let_go(unit)

    def _withdraw(self, name: str) -> None:
        """Report that an endpoint is not probed any more, while it shows earlier probes."""
        verdict = self._roster.withdrawn.get(name)
        if verdict is None:
            self._reporter.drop(name)
        elif self._share.owns(name):
            self._reporter.add(verdict)

    def _take_up(self, member: Member) -> None:
        """Have an endpoint probed within one of its intervals."""
        unit = member.unit
        if member.judgement.level is Level.BAD and not member.judgement.step:
            self._guard.presume_gone(unit.place.authority)
        if unit.running:
            return
        if unit.key in self._schedule:
            self._schedule.hasten(unit.key, time.monotonic() + member.interval)
        else:
            self._schedule.put(unit.key, time.monotonic() + self._rng.uniform(0, member.interval))
        self._scheduled.set()

    def _let_go(self, unit: Unit) -> None:
        self._schedule.drop(unit.key)
        self._guard.forget(unit.place.authority)

    async def _keep_share(self) -> None:
        while True:
            await asyncio.sleep(_SHARE_INTERVAL)
            if self._share.refresh():
                self._share_anew()

    def _share_anew(self) -> None:
        for unit in self._roster.units.values():
            if not self._share.owns(unit.place.authority):
                self._let_go(unit)
            elif unit.key not in self._schedule and not unit.running:
                for member in unit.members.values():
                    # Others have judged it since.
                    member.forget()
                    self._take_up(member)
        for name in self._roster.withdrawn:
            self._withdraw(name)

    async def _probe_all(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            await self._slots.acquire()
            unit = await self._next()
            unit.running = True
            tasks.create_task(self._probe(unit))

    async def _next(self) -> Unit:
        """Wait for a unit to be due."""
        while True:
            self._scheduled.clear()
            now = time.monotonic()
            if (key := self._schedule.pop(now)) is not None:
                return self._roster.units[key]
            due = self._schedule.next_due()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else due - now):
                    await self._scheduled.wait()

    async def _probe(self, unit: Unit) -> None:
        began = time.monotonic()
        self.tally.running += 1
        try:
            climb = await self._climber.climb(unit.place, unit.endpoint, unit.highest)
            await self._judge(unit, climb)
        except Exception:
            # What strangers register must not end the process.
            self.tally.done["failed"] += 1
            log.exception("a probe of %s failed", unit.place.authority)
        finally:
            self.tally.running -= 1
            self._slots.release()
            unit.running = False
            if self._held(unit):
                interval = unit.interval * (1 + self._rng.uniform(0, JITTER))
                self._schedule.put(unit.key, max(began + interval, time.monotonic()))
                self._scheduled.set()

    def _held(self, unit: Unit) -> bool:
        """Say whether a unit is still to be probed, and by this replica."""
        return self._roster.units.get(unit.key) is unit and self._share.owns(unit.place.authority)

    async def _judge(self, unit: Unit, climb: Climb) -> None:
        if not self._held(unit):
            return
        if not self._believed(unit, climb):
            self.tally.done["unbelieved"] += 1
            return
        outcome = cache(climb.outcome)
        self.tally.done[outcome(unit.highest).level.name.lower()] += 1
        for i, member in enumerate(list(unit.members.values()), 1):
            member.judgement = judge(member.judgement, outcome(member.highest))
            self._report_on(member)
            if i % _AT_ONCE == 0:
                await asyncio.sleep(0)

    def _believed(self, unit: Unit, climb: Climb) -> bool:
        before = self._guard.active
        believed = self._guard.note(unit.place.authority, connected=climb.connected)
        if self._guard.active and not before:
            log.warning("most addresses cannot be connected to at once: probes call nothing down until they can")
        elif before and not self._guard.active:
            log.info("probes can connect again")
        return believed

    def _report_on(self, member: Member) -> None:
        """Report what is believed of an endpoint, where it shows something else."""
        verdict = member.judgement.verdict(member.name, member.uid)
        shown = member.status
        if self._roster.member(member.name) is not member:
            return
        if verdict.health is None or restate(shown, verdict, _SOME_TIME) == shown:
            self._reporter.drop(member.name)
        else:
            self._reporter.add(verdict)

    def _by_health(self) -> Mapping[str, float]:
        counts = Counter(dict.fromkeys((*(health.name.lower() for health in BELIEVED), "unknown"), 0))
        for unit in self._roster.units.values():
            if unit.running or unit.key in self._schedule:
                for member in unit.members.values():
                    health = member.judgement.health
                    counts[health.name.lower() if health is not None else "unknown"] += 1
        return counts
