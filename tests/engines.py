"""An engine over providers that behave as a test tells them, and what callers get of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from airegistry import errors
from airegistry.invocations.invocation import InvokeEvent
from airegistry.invoke import open_engine
from tests.catalogs import cache_of, endpoint, model
from tests.providers import Provider, provider


@dataclass
class Scene:
    engine: Any
    providers: list[Provider]

    def seen(self) -> list[int]:
        """Return how many requests each provider got."""
        return [len(up.seen) for up in self.providers]


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.attempts: list[Any] = []
        self.calls: list[Any] = []

    def attempt_ended(self, target: Any, attempt: Any, _circumstances: Any) -> None:
        assert target.name == attempt.target
        self.attempts.append(attempt)

    def call_ended(self, settlement: Any, *, answered: bool) -> None:
        self.calls.append((settlement, answered))


@asynccontextmanager
async def engine_over(
    *behaviours: Any, settings: Any = None, observer: Any = None, **facts: Any
) -> AsyncIterator[Scene]:
    """Run a provider for each behaviour, or tuple of behaviours, asked in that order, and an engine over them.

    They are the endpoints `a`, `b`, … of the model `m`; *facts* are of all of them.
    """
    async with AsyncExitStack() as stack:
        rows = [behaviour if isinstance(behaviour, tuple) else (behaviour,) for behaviour in behaviours]
        ups = [await stack.enter_async_context(provider(*row)) for row in rows]
        named = zip("abcdef", ups, strict=False)
        endpoints = [endpoint(id_, up.url, **{"priority": i} | facts) for i, (id_, up) in enumerate(named)]
        engine = open_engine(cache_of([model(), *endpoints]), settings=settings, observer=observer)
        yield Scene(await stack.enter_async_context(engine), ups)


async def whole_text(engine: Any, invocation: Any) -> tuple[str, Any]:
    answered = await engine.invoke(invocation)
    return answered.output.choices[0].message.content[0].text.text, answered.settlement


async def streamed(engine: Any, invocation: Any, **options: Any) -> tuple[Any, Any]:
    """Return the events that came, and the error that ended the stream instead of an end."""
    events: list[InvokeEvent] = []
    try:
        async with aclosing(engine.stream(invocation, **options)) as batches:
            async for batch in batches:
                events.extend(batch)
    except errors.RegistryError as error:
        return events, error
    return events, None


def text_of(events: list[InvokeEvent]) -> str:
    return "".join(event.chat_delta.text or "" for event in events if event.chat_delta is not None)
