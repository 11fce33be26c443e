"""What a server holds while nobody calls it: memory, descriptors, tasks, streams."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import aiohttp

from tests.envoys import ask_admin
from tests.robustness.processes import Server

GROWTH = 1.05
"""How much the memory may grow from the first third of a run to the last, once it is warm."""
_REST = 20.0
_LOOK = 0.25
_MOMENT = 0.1
_SAMPLES = 3
_QUIET = 8

_HELD = {"tasks": "airegistry_tasks"}
_OPEN = {"calls": "airegistry_calls_running", "RPCs": "airegistry_rpc_running", "watches": "airegistry_watch_streams"}
_HELD_BY_ENVOY = {"connections": "http.server.downstream_cx_active"}
_OPEN_IN_ENVOY = {"requests": "http.server.downstream_rq_active", "streams": "http2.streams_active"}


@dataclass(frozen=True)
class Rest:
    """A server at rest, all of its processes together."""

    resident: int
    threads: int
    held: Mapping[str, int]
    """What must not become more once it is warm."""
    open: Mapping[str, int]
    """What must be as it was before anybody called."""

    def holds_no_more_than(self, other: Rest) -> bool:
        """Say whether nothing is more than it is in *other*."""
        return all(
            count <= there.get(what, 0)
            for here, there in ((self.held, other.held), (self.open, other.open))
            for what, count in here.items()
        )

    def __str__(self) -> str:
        counted = {**self.held, **self.open, "threads": self.threads}
        return ", ".join([f"{self.resident / 2**20:.1f} MiB", *(f"{count} {what}" for what, count in counted.items())])


class Resting:
    """Looks at a server that has come to rest, and keeps what it saw."""

    def __init__(self, name: str, server: Server) -> None:
        self.name = name
        self.rests: list[Rest] = []
        self._server = server
        self._before: Rest | None = None

    @property
    def died(self) -> bool:
        """Whether the process that served is no more."""
        return self._server.died

    async def begin(self) -> Rest:
        """Return what it holds before anybody calls, once it opens nothing more."""
        self._before = seen = await self._now()
        quiet = 0
        while quiet < _QUIET:
            await asyncio.sleep(_LOOK)
            seen = await self._now()
            quiet = quiet + 1 if seen.open == self._before.open else 0
            self._before = seen
        return seen

    async def look(self) -> None:
        """See what it holds: once that is no more than after the first round, or, when that does not come to be, after a while."""
        until = time.monotonic() + _REST
        while not self._server.died:
            await asyncio.sleep(_LOOK)
            seen = await self._now()
            if self._is_calm(seen) or time.monotonic() > until:
                self.rests.append(seen)
                return

    def wrong(self, warm: int) -> list[str]:
        """Return what must not be, by the looks from number *warm* on and by what became of the process."""
        assert self._before is not None
        if self._server.died:
            return [f"{self.name}: it died: {self._server.complaints}"]
        found = [*leaks(self.rests[warm:], self._before), *(f"it said {line}" for line in self._server.complaints[:5])]
        return [f"{self.name}: {what}" for what in found]

    def _is_calm(self, seen: Rest) -> bool:
        assert self._before is not None
        held = self.rests[0].held if self.rests else seen.held
        return seen.holds_no_more_than(Rest(0, 0, held, self._before.open))

    async def _now(self) -> Rest:
        url = f"http://{self._server.http_address}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            page = await answer.text()
        held, open_ = dict(_on(page, _HELD)), dict(_on(page, _OPEN))
        held["descriptors"] = await self._descriptors()
        if (admin := self._server.admin) is not None:
            inside = (await ask_admin(admin, "/stats?filter=active")).decode()
            held |= {what: _told(inside, name) for what, name in _HELD_BY_ENVOY.items()}
            open_ |= {what: _told(inside, name) for what, name in _OPEN_IN_ENVOY.items()}
        processes = self._server.processes
        resident = sum(process.memory_info().rss for process in processes)
        return Rest(resident, sum(process.num_threads() for process in processes), held, open_)

    async def _descriptors(self) -> int:
        """Count them when the connection that was just closed here is closed there, too: that takes a moment, now and then."""
        found = []
        for _ in range(_SAMPLES):
            await asyncio.sleep(_MOMENT)
            found.append(sum(process.num_fds() for process in self._server.processes))
        return min(found)


def _on(page: str, names: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Yield the sum of each metric that this server has."""
    for what, name in names.items():
        if f"# TYPE {name} " in page:
            yield what, int(sum(map(float, re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", page, re.MULTILINE))))


def _told(page: str, name: str) -> int:
    found = re.findall(rf"^{re.escape(name)}: (\d+)$", page, re.MULTILINE)
    # Envoy counts nothing of HTTP/2 before the first connection of it.
    assert found or name.startswith("http2."), page
    return sum(map(int, found))


def leaks(rests: Sequence[Rest], before: Rest) -> list[str]:
    """Return what *rests*, all taken when it was warm, show to have stayed: nothing, when all is well."""
    third = max(1, len(rests) // _SAMPLES)
    first, last = rests[:third], rests[-third:]
    found = [
        f"{what}: at most {most} when it was warm, {usual:g} at the end"
        for what in last[-1].held
        # One more or less comes and goes: gRPC keeps the socket of a failed connect until the next one.
        if (usual := median(rest.held.get(what, 0) for rest in last))
        > (most := max(rest.held.get(what, 0) for rest in first))
    ]
    found += [
        f"{what}: {there} before anybody called, {usual:g} at the end"
        for what in last[-1].open
        if (usual := median(rest.open.get(what, 0) for rest in last)) > (there := before.open.get(what, 0))
    ]
    at_first, at_last = (median(rest.resident for rest in part) for part in (first, last))
    if at_last > GROWTH * at_first:
        found.append(f"memory: {at_first / 2**20:.1f} MiB when it was warm, {at_last / 2**20:.1f} MiB at the end")
    return found
