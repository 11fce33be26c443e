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
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise CallerGoneError
        return working.result()
    finally:
        await _end(gone)
        await _end(working)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(task: asyncio.Future[Any]) -> None:
    """Cancel a task and wait until its clean-up is done."""
    if not task.done():
        task.cancel()
        await asyncio.wait((task,))
