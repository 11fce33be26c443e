"""One read that serves everybody who asked before it began."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedRead(Generic[T]):
    """Calls *read* for all who wait, one call after the other.

    Who asks while a call is under way gets the result of the next one: the one under way may have looked before they asked.
    """

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._running: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """Return what was read after this was called."""
        if self._next is None:
            self._next = asyncio.create_task(self._run_after(self._running))
            # It may fail when everybody who asked is gone.
            self._next.add_done_callback(lambda task: task.cancelled() or task.exception())
        # One caller that goes away takes nothing from the others.
        return await asyncio.shield(self._next)

    async def _run_after(self, running: asyncio.Task[T] | None) -> T:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        return await self._read()
