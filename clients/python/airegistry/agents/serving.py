"""A plain method as an agent that others can reach: A2A 1.x by gRPC, with what that needs and no more."""

from __future__ import annotations

import hmac
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from grpc import aio

from airegistry.a2a.v1 import a2a_pb2 as pb
from airegistry.agents.running import RunningTask, TaskBook, Tracked

log = logging.getLogger(__name__)

SERVICE: Final = "lf.a2a.v1.A2AService"
_LARGEST: Final = 32 * 1024 * 1024
_DRAIN: Final = 2.0
_CODE: Final = grpc.StatusCode


class AgentServer:
    """Answers A2A's SendMessage, SendStreamingMessage, GetTask and CancelTask with *work*; texts and JSON in, any piece out.

    At most *most* tasks run at once. With a *token* only callers who present it as `Authorization: Bearer` are answered.
    """

    def __init__(self, work: Callable[[str], Any], *, most: int, token: str = "", tracked: Tracked) -> None:
        self._book = TaskBook(work, most=most, tracked=tracked)
        self._token = token

    def handlers(self) -> Any:
        """Return the methods as gRPC takes them."""
        unary, streaming = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        methods: dict[str, Any] = {
            "SendMessage": unary(self._send),
            "SendStreamingMessage": streaming(self._stream),
            "GetTask": unary(self._get),
            "CancelTask": unary(self._cancel),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    async def close(self) -> None:
        """Cancel what still runs."""
        await self._book.close()

    async def _send(self, data: bytes, context: Any) -> bytes:
        request = await self._read(pb.SendMessageRequest, data, context)
        task = await self._begun(request, context)
        if not request.configuration.return_immediately:
            await task.ended()
        return bytes(pb.StreamResponse(task=task.as_message()).SerializeToString())

    async def _stream(self, data: bytes, context: Any) -> AsyncIterator[bytes]:
        request = await self._read(pb.SendMessageRequest, data, context)
        task = await self._begun(request, context)
        async for event in task.events():
            yield bytes(event.SerializeToString())

    async def _get(self, data: bytes, context: Any) -> bytes:
        # A GetTaskRequest has the id where a CancelTaskRequest has it.
        request = await self._read(pb.CancelTaskRequest, data, context)
        return bytes((await self._known(request.id, context)).as_message().SerializeToString())

    async def _cancel(self, data: bytes, context: Any) -> bytes:
        request = await self._read(pb.CancelTaskRequest, data, context)
        task = await self._known(request.id, context)
        if task.over:
            await context.abort(_CODE.FAILED_PRECONDITION, "the task has ended")
        await task.cancel()
        return bytes(task.as_message().SerializeToString())

    async def _read(self, message: Any, data: bytes, context: Any) -> Any:
        presented = dict(context.invocation_metadata() or ()).get("authorization", "")
        if self._token and not hmac.compare_digest(str(presented).encode(), f"Bearer {self._token}".encode()):
            await context.abort(_CODE.UNAUTHENTICATED, "a token is needed")
        try:
            return message.FromString(data)
        except DecodeError:
            await context.abort(_CODE.INVALID_ARGUMENT, "the request is no message of A2A")

    async def _begun(self, request: Any, context: Any) -> RunningTask:
        if request.message.task_id:
            # A method is called once for a task: nothing can be said to it later.
            code = _CODE.FAILED_PRECONDITION if self._book.get(request.message.task_id) else _CODE.NOT_FOUND
            await context.abort(code, "the task is not there, or has had all its input")
        task = self._book.begin(request.message)
        if task is None:
            await context.abort(_CODE.RESOURCE_EXHAUSTED, "as many tasks as this agent takes at once are running")
            raise AssertionError  # abort raises
        return task

    async def _known(self, id_: str, context: Any) -> RunningTask:
        task = self._book.get(id_)
        if task is None:
            await context.abort(_CODE.NOT_FOUND, "no task of this agent has that id, or it ended long ago")
            raise AssertionError  # abort raises
        return task


@asynccontextmanager
async def serve_agent(
    work: Callable[[str], Any], address: str, *, most: int, token: str = "", tracked: Tracked
) -> AsyncIterator[int]:
    """Serve *work* at `host:port`, and lend the port; what still runs in the end is cancelled."""
    agent = AgentServer(work, most=most, token=token, tracked=tracked)
    server = aio.server(options=[("grpc.max_receive_message_length", _LARGEST), ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((agent.handlers(),))
    port = server.add_insecure_port(address)
    await server.start()
    try:
        yield port
    finally:
        await agent.close()
        await server.stop(_DRAIN)
