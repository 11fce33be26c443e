"""Agents on loopback, built with the protocol's own SDK, that behave as a test tells them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from a2a.helpers import new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler, GrpcHandler
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import a2a_pb2_grpc
from a2a.types.a2a_pb2 import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
)
from grpc import aio

from tests.ports import free_address

TOKENS = ("One", " two", " three", " fo😀ur")
LONG = 30.0
"""Seconds within which anything that agents are asked for happens on a busy machine."""


@dataclass
class Doing:
    """One execution of a task, and the way to tell of it."""

    context: Any
    queue: Any
    updater: Any
    metadata: dict[str, str]

    @property
    def text(self) -> str:
        return str(self.context.get_user_input())

    async def begin(self) -> None:
        """Say that the task was taken, unless it goes on."""
        if self.context.current_task is None:
            await self.queue.enqueue_event(new_task_from_user_message(self.context.message))

    async def working(self, words: str = "") -> None:
        await self.begin()
        await self.updater.start_work(self.message(words) if words else None)

    async def write(self, *texts: str, id_: str = "answer") -> None:
        """Make an artifact, piece by piece."""
        for i, text in enumerate(texts):
            await self.updater.add_artifact([new_text_part(text)], artifact_id=id_, name="Answer", append=i > 0)

    def message(self, words: str) -> Any:
        return self.updater.new_agent_message([new_text_part(words)])


Work = Callable[[Doing], Awaitable[None]]


async def counting(doing: Doing) -> None:
    """Answer as most agents do: an artifact in pieces."""
    await doing.working()
    await doing.write(*TOKENS)
    await doing.updater.complete()


async def asking_back(doing: Doing) -> None:
    """Ask what is missing first, as agents do."""
    if doing.context.current_task is None:
        await doing.begin()
        await doing.updater.requires_input(doing.message("How far?"))
    else:
        await doing.working()
        await doing.write(f"To {doing.text}")
        await doing.updater.complete()


async def until(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), LONG)


@dataclass
class Running:
    """An agent that runs, and what it saw."""

    url: str = ""
    seen: list[Doing] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    cancels: list[Any] = field(default_factory=list)
    server: Any = None
    headers: list[dict[str, str]] = field(default_factory=list)

    async def kill(self) -> None:
        """Cut every connection."""
        await self.server.stop(None)


class Executor(AgentExecutor):
    def __init__(self, work: Work, running: Running) -> None:
        self._work = work
        self._running = running

    async def execute(self, context: Any, event_queue: Any) -> None:
        updater = TaskUpdater(event_queue, context.task_id, context.context_id)
        doing = Doing(context, event_queue, updater, self._running.headers[-1])
        self._running.seen.append(doing)
        self._running.asked.set()
        await self._work(doing)

    async def cancel(self, context: Any, event_queue: Any) -> None:
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()
        self._running.cancels.append(context.task_id)
        self._running.cancelled.set()


class Keeper(aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs only
    """Notes the metadata of each call, and lets in only who has the key, where there is one."""

    def __init__(self, running: Running, key: str | None) -> None:
        self._running = running
        self._key = key

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        headers = dict(details.invocation_metadata)
        self._running.headers.append(headers)
        if self._key is not None and headers.get("authorization") != f"Bearer {self._key}":
            return await _refusing(await continuation(details))
        return await continuation(details)


async def _refusing(handler: Any) -> Any:
    async def refuse(_request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")

    async def refuse_stream(_request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")
        yield b""

    made = grpc.unary_stream_rpc_method_handler if handler.response_streaming else grpc.unary_unary_rpc_method_handler
    return made(refuse_stream if handler.response_streaming else refuse)


@asynccontextmanager
async def agent_server(
    work: Work = counting, *, key: str | None = None, tls: grpc.ServerCredentials | None = None
) -> AsyncIterator[Running]:
    """Run an agent on a free port."""
    running = Running()
    handler = DefaultRequestHandler(Executor(work, running), InMemoryTaskStore(), card())
    server = aio.server(
        interceptors=[Keeper(running, key)], options=[("grpc.max_receive_message_length", 64 * 1024 * 1024)]
    )
    a2a_pb2_grpc.add_A2AServiceServicer_to_server(GrpcHandler(handler), server)
    # Nobody who called another server at this port calls this one: what came last is taken for what is tested.
    address = free_address()
    port = server.add_insecure_port(address) if tls is None else server.add_secure_port(address, tls)
    running.url = f"grpc://127.0.0.1:{port}" if tls is None else f"grpcs://localhost:{port}"
    running.server = server
    await server.start()
    try:
        yield running
    finally:
        await server.stop(None)
        await handler.aclose()


def card(url: str = "127.0.0.1:1") -> AgentCard:
    """Return a card as an agent of the SDK has one."""
    return AgentCard(
        name="Counter",
        description="Counts",
        version="1.2.3",
        supported_interfaces=[AgentInterface(url=url, protocol_binding="GRPC", protocol_version="1.0")],
        capabilities=AgentCapabilities(streaming=True),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="count", name="Count", description="Counts", tags=["numbers"])],
    )
