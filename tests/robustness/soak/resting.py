"""What a gateway holds while nobody calls it: memory, descriptors, tasks."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import aiohttp
import psutil

GROWTH = 1.05
"""How much the memory may grow from the first third of a run to the last, once it is warm."""
_REST = 20.0
_LOOK = 0.25
_SAMPLES = 3


@dataclass(frozen=True)
class Rest:
    """A gateway at rest."""

    resident: int
    descriptors: int
    tasks: int
    threads: int
    running: int

    @property
    def held(self) -> tuple[int, int, int]:
        """What must be the same whenever nobody calls."""
        return self.descriptors, self.tasks, self.running


class Resting:
    """Looks at a process that has come to rest."""

    def __init__(self, pid: int, http: str) -> None:
        self._process = psutil.Process(pid)
        self._url = f"http://{http}/metrics"

    async def look(self, like: Rest | None = None) -> Rest:
        """Return what it holds: once it holds no more than *like*, or, when that does not come to be, after a while."""
        until = time.monotonic() + _REST
        while True:
            await asyncio.sleep(_LOOK)
            seen = await self._now()
            calm = seen.running == 0 and (
                like is None or all(a <= b for a, b in zip(seen.held, like.held, strict=True))
            )
            if calm or time.monotonic() > until:
                return seen

    async def _now(self) -> Rest:
        async with aiohttp.ClientSession() as session, session.get(self._url) as answer:
            page = await answer.text()
        return Rest(
            self._process.memory_info().rss,
            self._process.num_fds(),
            _value(page, "airegistry_tasks"),
            self._process.num_threads(),
            _value(page, "airegistry_calls_running"),
        )


def _value(page: str, name: str) -> int:
    (found,) = re.findall(rf"^{name} (\S+)$", page, re.MULTILINE)
    return int(float(found))


def leaks(rests: Sequence[Rest]) -> list[str]:
    """Return what *rests*, all taken when it was warm, show to have stayed: nothing, when all is well."""
    third = max(1, len(rests) // _SAMPLES)
    first, last = rests[:third], rests[-third:]
    found = [
        f"{what}: at most {most} when it was warm, {usual:g} at the end"
        for what, before, after in zip(("descriptors", "tasks", "calls"), _held(first), _held(last), strict=True)
        # One more or less comes and goes: gRPC keeps the socket of a failed connect until the next one.
        if (usual := median(after)) > (most := max(before))
    ]
    before, after = (median(rest.resident for rest in part) for part in (first, last))
    if after > GROWTH * before:
        found.append(f"memory: {before / 2**20:.1f} MiB when it was warm, {after / 2**20:.1f} MiB at the end")
    return found


def _held(rests: Sequence[Rest]) -> Iterator[tuple[int, ...]]:
    return zip(*(rest.held for rest in rests), strict=True)
