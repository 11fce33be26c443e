"""Who changed last: watchers keep a place in one list of names, so that each gets the latest and nobody has a queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile


@dataclass(slots=True, eq=False)
class Place:
    """How far a watcher was told."""

    position: int


class Lane:
    """Names in the order in which what is known of them changed last. Synchronous: it runs between awaits.

    A name is in it once, however often it changes: a watcher that comes late is told the latest. `epoch` is the observation
    epoch of the last change.
    """

    def __init__(self) -> None:
        self.closed = False
        self.position = 0
        self.epoch = 0
        self.places: set[Place] = set()
        self._changed: dict[str, int] = {}
        self._grew = asyncio.Event()
        self._closing = asyncio.Event()

    def __len__(self) -> int:
        return len(self._changed)

    def __iter__(self) -> Iterator[str]:
        return iter(self._changed)

    def tell(self, names: Iterable[str], epoch: int) -> None:
        """Note that what is known of *names* changed, and that nothing else did up to *epoch*."""
        self.position += 1
        self.epoch = epoch
        for name in names:
            self._changed.pop(name, None)
            self._changed[name] = self.position
        grew, self._grew = self._grew, asyncio.Event()
        grew.set()

    def changed(self, name: str) -> int:
        """Return the position of the last change of *name*; 0 when it never changed here."""
        return self._changed.get(name, 0)

    def since(self, position: int) -> Sequence[str]:
        """Return the names that changed after *position* (exclusive), the latest first."""
        latest = reversed(self._changed.items())
        return [name for name, _ in takewhile(lambda change: change[1] > position, latest)]

    @contextmanager
    def follow(self) -> Iterator[Place]:
        """Lend a place at the end."""
        place = Place(self.position)
        self.places.add(place)
        try:
            yield place
        finally:
            self.places.discard(place)

    def forget(self, names: Iterable[str]) -> None:
        """Drop *names*, but for those of which a watcher is still to be told."""
        told = min((place.position for place in self.places), default=self.position)
        for name in names:
            if self._changed.get(name, told + 1) <= told:
                del self._changed[name]

    async def grown(self, position: int, timeout: float) -> None:  # noqa: ASYNC109 - a bookmark is due then
        """Wait until something changed after *position*, or for *timeout* seconds, or until it is closed."""
        try:
            async with asyncio.timeout(timeout):
                while self.position <= position and not self.closed:
                    await self._grew.wait()
        except TimeoutError:
            pass

    async def closing(self, timeout: float) -> None:  # noqa: ASYNC109 - the pause itself
        """Wait for *timeout* seconds, or until it is closed."""
        try:
            async with asyncio.timeout(timeout):
                await self._closing.wait()
        except TimeoutError:
            pass

    def close(self) -> None:
        """Let the watchers end."""
        self.closed = True
        self._closing.set()
        self._grew.set()
