"""Ending at a provider what a call began there, after the call is gone."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from grpc import aio

from airegistry.errors import ProviderError

log = logging.getLogger(__name__)

_PATIENCE: Final = 2.0
"""Seconds that a provider has to hear it."""
_MOST: Final = 256

Lent = AbstractAsyncContextManager[aio.Channel]
Metadata = tuple[tuple[str, str], ...]


class Undoing:
    """Sends requests that nobody waits for, at most 256 at once, each for at most 2 s.

    Their caller is gone, and must not be kept from going.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, lent: Lent, method: str, request: bytes, metadata: Metadata) -> None:
        """Send a request in the background, by a channel that is *lent* for it."""
        if len(self._running) >= _MOST:
            log.warning("too many providers are slow to end what they were asked for: some of it runs on")
            return
        task = asyncio.create_task(_sent(lent, method, request, metadata), name=f"undo by {method}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Wait for what was sent."""
        if self._running:
            await asyncio.wait(self._running)


async def _sent(lent: Lent, method: str, request: bytes, metadata: Metadata) -> None:
    try:
        async with lent as channel:
            call: Any = channel.unary_unary(method, None, None)
            await call(request, timeout=_PATIENCE, metadata=metadata)
    except aio.AioRpcError as error:
        # It may have ended by itself meanwhile, or be gone.
        log.debug("could not end what a call began: %s", error.code().name)
    except ProviderError as error:
        log.debug("could not end what a call began: %s", error.message)
