"""Ending at a provider what a call began there, after the call is gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final

from grpc import aio

from airegistry.errors import ProviderError

log = logging.getLogger(__name__)

_PATIENCE: Final = 2.0
"""Seconds that a provider has to hear it, and before that to say what there is to end."""
_MOST: Final = 256


@dataclass(frozen=True, slots=True)
class Undo:
    """How what a call began is ended: `request` gives the method and the bytes, None where nothing runs that is known."""

    request: Callable[[], tuple[str, bytes] | None]
    lend: Callable[[], AbstractAsyncContextManager[aio.Channel]]
    metadata: tuple[tuple[str, str], ...]


class Undoing:
    """Sends requests that nobody waits for, for at most 256 calls at once, each for a few seconds at most.

    Their caller is gone, and must not be kept from going.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, undo: Undo) -> None:
        """End in the background what a call began, where something runs."""
        if undo.request() is not None:
            self._start(_sent(undo))

    def linger(self, undo: Undo, running: Any, opening: asyncio.Task[Any], note: Callable[[Any], None]) -> None:
        """Wait in the background for what a call *opening* would have given, *note* it, and then end both call and what it began."""
        if not self._start(_lingered(undo, running, opening, note)):
            running.cancel()

    async def close(self) -> None:
        """Wait for what was sent."""
        if self._running:
            await asyncio.wait(self._running)

    def _start(self, work: Coroutine[Any, Any, None]) -> bool:
        if len(self._running) >= _MOST:
            work.close()
            log.warning("too many providers are slow to end what they were asked for: some of it runs on")
            return False
        task = asyncio.create_task(work, name="ending what a call began")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return True


async def _lingered(undo: Undo, running: Any, opening: asyncio.Task[Any], note: Callable[[Any], None]) -> None:
    try:
        await asyncio.wait([opening], timeout=_PATIENCE)
    finally:
        running.cancel()
        opening.cancel()
    await asyncio.wait([opening])
    if not opening.cancelled() and opening.exception() is None:
        note(opening.result())
        await _sent(undo)


async def _sent(undo: Undo) -> None:
    request = undo.request()
    if request is None:
        return
    method, message = request
    try:
        async with undo.lend() as channel:
            call: Any = channel.unary_unary(method, None, None)
            await call(message, timeout=_PATIENCE, metadata=undo.metadata)
    except aio.AioRpcError as error:
        # It may have ended by itself meanwhile, or be gone.
        log.debug("could not end what a call began: %s", error.code().name)
    except ProviderError as error:
        log.debug("could not end what a call began: %s", error.message)
