"""Waiting for what nobody tells of."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[..., object], seconds: float = 30.0) -> None:
    """Look again and again, and give up after *seconds*."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - other tasks, threads and processes bring it about
            await asyncio.sleep(0.005)
