"""A second attempt beside a first one that is silent for long: whoever answers first answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import TypeVar

from airegistry.dialects.exchange import Input
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.embeddings import EmbeddingsRequest

T = TypeVar("T")

_BURST = 10.0


class HedgeBudget:
    """Allows second attempts for at most *share* of the calls that could have one, and ten in a row at most."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._left = min(1.0, share * _BURST)

    def earn(self) -> None:
        """Note a call that could have a second attempt."""
        self._left = min(_BURST, self._left + self._share)

    def spend(self) -> bool:
        """Take one second attempt, if there is one left."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


def hedgeable(request: Input | None) -> bool:
    """Say whether a request may be sent to two at once: what it asks for has no effect beside its answer."""
    if isinstance(request, ChatRequest):
        return not request.tools
    return isinstance(request, EmbeddingsRequest)


async def race(
    first: AsyncGenerator[T, None], delay: float, second: Callable[[], AsyncGenerator[T, None] | None]
) -> AsyncGenerator[T, None]:
    """Yield what the one of two yields that yields first. *second* is started when *first* was silent for *delay* seconds.

    The other one is cancelled at once, and has ended before anything is yielded. A task is made for the first item alone.
    """
    running = {_first_of(first): first}
    winner: AsyncGenerator[T, None] | None = None
    items: list[T] = []
    try:
        ready, _ = await asyncio.wait(running, timeout=delay)
        if not ready and (other := second()) is not None:
            running[_first_of(other)] = other
        while running and winner is None:
            ready, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in ready:
                one = running.pop(task)
                if winner is None and (items := task.result()):
                    winner = one
        await _cancel(running)
        running = {}
        if winner is None:
            return
        yield items[0]
        async for item in winner:
            yield item
    finally:
        await _cancel(running)
        if winner is not None:
            await winner.aclose()


def _first_of(one: AsyncGenerator[T, None]) -> asyncio.Task[list[T]]:
    async def first() -> list[T]:
        try:
            return [await anext(one)]
        except StopAsyncIteration:
            return []

    return asyncio.ensure_future(first())


async def _cancel(running: Iterable[asyncio.Task[list[T]]]) -> None:
    tasks = list(running)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
