"""A caller's end of an HTTP exchange: its body comes in, and it may go away at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

from airegistry.errors import RequestTooLargeError

T = TypeVar("T")


class CallerGoneError(Exception):
    """Nobody is left to answer. No RegistryError: it has no status, and no front writes it."""


async def read_body(receive: Receive, *, most: int) -> bytes:
    """Return the body of a request, or raise RequestTooLargeError as soon as it is too large."""
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGoneError
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise RequestTooLargeError(
                f"the body has more than {most} bytes", metadata={"limit": str(most), "count": str(size)}
            )
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return what *work* returns; it is cancelled as soon as the caller goes away, and then CallerGoneError is raised."""
    caller = _Caller(receive)
    try:
        return await work
    finally:
        await caller.let_go()
        if caller.gone and caller.worker.uncancel() == 0:
            raise CallerGoneError


class _Caller:
    """Listens for whether the caller is still there, and cancels the task that works for it when it goes away.

    Whoever needs no task to listen returns a future from `receive`: every call listens.
    """

    def __init__(self, receive: Receive) -> None:
        worker = asyncio.current_task()
        assert worker is not None  # noqa: S101 - whoever works is one
        self.worker = worker
        self.gone = False
        self._receive = receive
        self._over = False
        self._listen()

    async def let_go(self) -> None:
        """Listen no more, and leave no task behind."""
        self._over = True
        if not self._event.done():
            self._event.cancel()
        if not self._event.done():
            await asyncio.wait((self._event,))

    def _listen(self) -> None:
        self._event: asyncio.Future[Any] = asyncio.ensure_future(self._receive())
        self._event.add_done_callback(self._heard)

    def _heard(self, event: asyncio.Future[Any]) -> None:
        if self._over or event.cancelled():
            return
        if event.exception() is None and event.result()["type"] != "http.disconnect":
            self._listen()
            return
        self.gone = True
        self.worker.cancel()
