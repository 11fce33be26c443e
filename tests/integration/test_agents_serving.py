"""A plain method, served as an agent, and asked by the client of the protocol's own SDK."""

import asyncio
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import grpc
import pytest
from a2a.client import ClientConfig, ClientFactory
from a2a.client.errors import A2AClientError
from a2a.helpers import new_data_part, new_message, new_text_message
from a2a.types.a2a_pb2 import (
    CancelTaskRequest,
    GetTaskRequest,
    Role,
    SendMessageConfiguration,
    SendMessageRequest,
    SendMessageResponse,
    TaskState,
)
from grpc import aio

from airegistry.agents.running import TaskBook
from airegistry.agents.serving import SERVICE, serve_agent
from tests.agents import card

LONG = 30.0


@asynccontextmanager
async def asked(work, *, streaming=True, **facts):
    """Serve *work* and lend a client of the SDK."""
    options: dict[str, Any] = {"most": 8, "tracked": nullcontext, **facts}
    async with serve_agent(work, "127.0.0.1:0", **options) as port:
        config = ClientConfig(
            streaming=streaming,
            grpc_channel_factory=lambda url: aio.insecure_channel(
                url, options=[("grpc.max_receive_message_length", -1)]
            ),
            supported_protocol_bindings=["GRPC"],
        )
        client = ClientFactory(config).create(card(f"127.0.0.1:{port}"))
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def called(work, *, most):
    """Serve *work* and lend what gives its methods by name, in bytes."""
    async with (
        serve_agent(work, "127.0.0.1:0", most=most, tracked=nullcontext) as port,
        aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        methods: Any = channel.unary_unary
        yield lambda name: methods(f"/{SERVICE}/{name}")


def request(text="one two", **facts):
    return SendMessageRequest(message=new_text_message(text, role=Role.ROLE_USER), **facts)


async def words(text):
    for word in text.split():
        yield word


async def waiting(_text):
    await asyncio.sleep(60)


async def test_a_stream_tells_each_piece_and_the_end():
    async with asked(words) as client:
        events = [event async for event in client.send_message(request())]
    kinds = [event.WhichOneof("payload") for event in events]
    assert kinds[0] == "task"
    assert kinds[-1] == "status_update"
    assert events[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED
    updates = [event.artifact_update for event in events if event.HasField("artifact_update")]
    assert [part.text for update in updates for part in update.artifact.parts] == ["one", "two"]
    assert not updates[0].append


async def test_a_whole_answer_is_the_task_with_all_that_was_made():
    async with asked(words, streaming=False) as client:
        (event,) = [event async for event in client.send_message(request())]
        again = await client.get_task(GetTaskRequest(id=event.task.id))
    assert event.task.status.state == TaskState.TASK_STATE_COMPLETED
    assert [part.text for part in event.task.artifacts[0].parts] == ["one", "two"]
    assert again == event.task


async def test_data_comes_as_json():
    seen: list[str] = []
    message = new_message([new_data_part({"n": 1})], role=Role.ROLE_USER)
    async with asked(seen.append, streaming=False) as client:
        async for _ in client.send_message(SendMessageRequest(message=message)):
            pass
    assert seen == ['{"n": 1}']


async def test_a_task_is_cancelled():
    async with asked(waiting) as client:
        events: list[Any] = []
        async for event in client.send_message(request()):
            events.append(event)
            if event.HasField("task"):
                cancelled = await client.cancel_task(CancelTaskRequest(id=event.task.id))
                assert cancelled.status.state == TaskState.TASK_STATE_CANCELED
        with pytest.raises(A2AClientError, match="ended"):
            await client.cancel_task(CancelTaskRequest(id=events[0].task.id))
    assert events[-1].status_update.status.state == TaskState.TASK_STATE_CANCELED


async def test_who_does_not_wait_gets_the_task_at_once():
    async with asked(waiting, streaming=False) as client:
        now = SendMessageConfiguration(return_immediately=True)
        (event,) = [event async for event in client.send_message(request(configuration=now))]
    assert event.task.status.state in (TaskState.TASK_STATE_SUBMITTED, TaskState.TASK_STATE_WORKING)


async def status_of(call):
    with pytest.raises(aio.AioRpcError) as failed:
        await call
    return failed.value.code()


async def test_as_many_tasks_at_once_as_it_takes_and_no_more():
    begun = asyncio.Event()

    async def work(_text):
        begun.set()
        await asyncio.sleep(60)

    async with called(work, most=1) as method:
        send = method("SendMessage")
        first = asyncio.ensure_future(send(request().SerializeToString()))
        await asyncio.wait_for(begun.wait(), LONG)
        code = await status_of(send(request().SerializeToString()))
        first.cancel()
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_what_is_no_message_and_what_is_not_known_are_refused():
    async with called(words, most=1) as method:
        send = method("SendMessage")
        get = method("GetTask")
        other = method("ListTasks")
        going_on = request()
        going_on.message.task_id = "gone"
        codes = [
            await status_of(send(b"\xff\xff")),
            await status_of(get(GetTaskRequest(id="gone").SerializeToString())),
            await status_of(send(going_on.SerializeToString())),
            await status_of(other(b"")),
        ]
    assert codes == [
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.UNIMPLEMENTED,
    ]


async def test_an_answer_has_a_bound():
    def endless(_text):
        while True:
            yield "x" * 1_000_000

    async with asked(endless, streaming=False) as client:
        (event,) = [event async for event in client.send_message(request())]
    assert event.task.status.state == TaskState.TASK_STATE_FAILED


async def test_tasks_that_ended_long_ago_are_forgotten():
    async with called(lambda _text: "x", most=8) as method:
        send = method("SendMessage")
        get = method("GetTask")
        ids = []
        for _ in range(260):
            reply = await send(request().SerializeToString())
            ids.append(SendMessageResponse.FromString(reply).task.id)
        assert await status_of(get(GetTaskRequest(id=ids[0]).SerializeToString())) is grpc.StatusCode.NOT_FOUND
        await get(GetTaskRequest(id=ids[-1]).SerializeToString())


async def test_no_task_begins_while_what_runs_is_cancelled():
    ending = asyncio.Event()

    async def work(_text):
        try:
            await asyncio.Event().wait()
        finally:
            await ending.wait()

    book = TaskBook(work, most=8, tracked=nullcontext)
    assert book.begin(request().message) is not None
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(book.close())
    await asyncio.sleep(0)
    begun = book.begin(request().message)
    ending.set()
    await closing
    assert begun is None


async def test_answers_of_tasks_that_ended_have_a_bound_together():
    book = TaskBook(lambda _text: "x" * 20_000_000, most=8, tracked=nullcontext)
    begun = []
    for _ in range(5):
        task = book.begin(request().message)
        assert task is not None
        await task.ended()
        begun.append(task)
    assert [book.get(task.id) is task for task in begun] == [False, True, True, True, True]
