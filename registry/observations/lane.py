"""Who changed last: watchers keep a place in one list of names, so that each gets the latest and nobody has a queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import takewhile


class Lane:
    """Names in the order in which what is known of them changed last. Synchronous: it runs between awaits.

    A name is in it once, however often it changes: a watcher that comes late is told the latest. A name of which nothing is
    known any more stays for as long as a watcher needs to be told so.
    """

    def __init__(self) -> None:
        self.closed = False
        self.position = 0
        self._changed: dict[str, int] = {}
        self._grew = asyncio.Event()

    def __len__(self) -> int:
        return len(self._changed)

    def tell(self, names: Iterable[str]) -> None:
        """Note that what is known of *names* changed."""
        self.position += 1
        for name in names:
            self._changed.pop(name, None)
            self._changed[name] = self.position
        self._wake()

    def since(self, position: int) -> Sequence[str]:
        """Return the names that changed after *position* (exclusive), the latest first."""
        return [
            name
            for name, _ in takewhile(lambda change: change[1] > position, reversed(self._changed.items()))
        ]

    def forget(self, names: Iterable[str], told: int) -> None:
        """Drop those of *names* that did not change after the position *told*, which every watcher has reached."""
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

    def close(self) -> None:
        """Let the watchers end."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        grew, self._grew = self._grew, asyncio.Event()
        grew.set()
