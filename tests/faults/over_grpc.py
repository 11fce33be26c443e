"""Calls over gRPC, by both methods."""

from __future__ import annotations

from functools import partial
from typing import Any

from google.rpc import status_pb2
from grpc import aio

from airegistry._convert import to_pb
from airegistry._status import from_call
from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.v1 import chat_pb2
from airegistry.v1 import gateway_service_pb2 as pb
from tests.calls import refusal
from tests.faults.calling import DEADLINE, Ask, Callers, Carrier, Got


def invocation(ask: Ask) -> pb.Invocation:
    """Return a call in canonical form."""
    messages = tuple(Message(Role[role.upper()], (ContentBlock(text=TextBlock(text)),)) for role, text in ask.turns())
    return pb.Invocation(model=ask.model, chat=to_pb(ChatRequest(messages=messages), chat_pb2.ChatRequest))


async def invoke(callers: Callers, ask: Ask) -> Got:
    try:
        answer = await callers.stub.Invoke(pb.InvokeRequest(invocation=invocation(ask)), timeout=DEADLINE)
    except aio.AioRpcError as error:
        return _refused(error, Got())
    return told(answer)


def told(answer: Any) -> Got:
    """Return what an InvokeResponse says."""
    (choice,) = answer.chat.choices
    said = [block.text.text for block in choice.message.content]
    return Got(said, whole=True, finished=bool(choice.finish_reason), attempts=len(answer.settlement.attempts))


async def invoke_stream(callers: Callers, ask: Ask, *, accept_restart: bool) -> Got:
    request = pb.InvokeStreamRequest(invocation=invocation(ask), accept_restart=accept_restart)
    got = Got()
    try:
        async for message in callers.stub.InvokeStream(request, timeout=DEADLINE):
            hear_all(message, got)
    except aio.AioRpcError as error:
        return _refused(error, got)
    return got


def hear_all(message: Any, got: Got) -> None:
    """Add what an InvokeStreamResponse says."""
    for event in message.events:
        _hear(event, got)


def _hear(event: Any, got: Got) -> None:
    assert not got.ended, "something comes after the end"
    match event.WhichOneof("event"):
        case "restarted":
            got.said, got.restarts = [], got.restarts + 1
        case "chat_delta":
            got.said.append(event.chat_delta.text)
            got.finished = got.finished or bool(event.chat_delta.finish_reason)
        case "end":
            got.whole, got.attempts = True, len(event.end.settlement.attempts)


def _refused(error: aio.AioRpcError, got: Got) -> Got:
    got.reason, got.status = refusal(error).reason, error.code().name
    got.retry_after = from_call(error).retry_after
    got.attempts = len(attempts_of(error))
    return got


def attempts_of(error: aio.AioRpcError) -> list[Any]:
    """Return the attempts that the status of a failed call lists."""
    metadata: Any = error.trailing_metadata()
    status = status_pb2.Status.FromString(dict(metadata)["grpc-status-details-bin"])
    lists = [detail for detail in status.details if detail.Is(pb.AttemptList.DESCRIPTOR)]
    return [attempt for each in lists for attempt in pb.AttemptList.FromString(each.value).attempts]


GRPC = (
    Carrier("invoke", invoke, streamed=False),
    Carrier("invoke-stream", partial(invoke_stream, accept_restart=False), streamed=True),
    Carrier("invoke-stream-restarting", partial(invoke_stream, accept_restart=True), streamed=True, restarts=True),
)
