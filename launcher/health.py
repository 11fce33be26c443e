"""Waiting until a server answers that it serves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from airegistry._rpc.process import StartError
from launcher.children import Child, ChildDiedError

STARTING = 60.0
"""Seconds that a server gets; a slow machine trains the demo models for a while."""

_EVERY = 0.05
_TRY = aiohttp.ClientTimeout(total=2.0)
_OK = 200


async def wait_until_healthy(
    child: Child, http_address: str, *, satisfied: Callable[[dict[str, Any]], bool] = lambda _: True
) -> None:
    """Wait until `/health` says 200 and *satisfied* agrees with what it says; StartError when that does not come."""
    async with aiohttp.ClientSession(timeout=_TRY) as session:
        await wait_until(child, lambda: _healthy(session, f"http://{http_address}/health", satisfied))


async def wait_until(child: Child, ready: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again whether a process is *ready*; StartError when it ends, or is not for too long."""
    try:
        async with asyncio.timeout(STARTING):
            while not await ready():
                if child.process.returncode is not None:
                    raise ChildDiedError(child)
                await asyncio.sleep(_EVERY)
    except TimeoutError:
        raise StartError(
            f"the {child.name} is not ready after {STARTING:.0f} s; the last lines of {child.log}:\n{child.last_lines()}"
        ) from None


async def _healthy(session: aiohttp.ClientSession, url: str, satisfied: Callable[[dict[str, Any]], bool]) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == _OK and satisfied(await answer.json())
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return False
