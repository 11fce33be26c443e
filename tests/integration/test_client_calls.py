"""How calls go out and how answers and errors come back."""

import asyncio
from contextlib import aclosing

import pytest
from google.protobuf import descriptor_pool

from airegistry._convert import from_pb
from airegistry._rpc.service import service
from airegistry._rpc.serving import open_server
from airegistry.client import Client, GatewayClient, RegistryClient
from airegistry.client.messages import ConsistencyLevel, ReadConsistency
from airegistry.errors import (
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    NoCandidateError,
    ProviderRateLimitedError,
    TruncatedAnswerError,
    UnavailableError,
    UnimplementedError,
)
from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.invocation import Invocation
from airegistry.testing import FakeRegistry
from airegistry.v1 import chat_pb2
from airegistry.v1 import gateway_service_pb2 as pb

HELLO = ChatRequest(messages=(Message(Role.USER, (ContentBlock(text=TextBlock(text="hello")),)),))


class Gateway:
    """Answers with what it was asked, or fails as it was asked to."""

    def __init__(self):
        self.left = asyncio.Event()

    async def invoke(self, request, call):
        invocation = from_pb(Invocation, request.invocation, strict=True)
        if invocation.model == "busy":
            raise ProviderRateLimitedError("slow down", http_status=429, retry_after=3.0)
        if invocation.model == "slow":
            await asyncio.sleep(60)
        if invocation.model == "bug":
            raise KeyError("s3cr3t")
        said = request.invocation.chat.messages[0].content[0].text.text
        return pb.InvokeResponse(
            chat=chat_pb2.ChatResponse(upstream_id=said), settlement=pb.Settlement(target=str(call.time_left()))
        )

    async def invoke_stream(self, request, _call):
        try:
            for text in ("one", "two"):
                events = [pb.InvokeEvent(chat_delta=chat_pb2.ChatDelta(text=text))] * 2
                yield pb.InvokeStreamResponse(events=events)
            if request.invocation.model == "cut":
                raise TruncatedAnswerError("it broke")
            if request.invocation.model == "endless":
                await asyncio.sleep(60)
            yield pb.InvokeStreamResponse(events=[pb.InvokeEvent(end=pb.StreamEnd())])
        finally:
            self.left.set()

    async def explain(self, _request, _call):
        raise NoCandidateError("nobody", metadata={"CREDENTIAL": "2"})


class Unobserved:
    def call_started(self, method):
        pass

    def call_ended(self, method, code, seconds):
        pass


@pytest.fixture
async def gateway():
    return Gateway()


@pytest.fixture
async def client(gateway):
    descriptor = descriptor_pool.Default().FindServiceByName("airegistry.v1.GatewayService")
    server = await open_server([service(descriptor, gateway)], "127.0.0.1:0", Unobserved())
    async with GatewayClient(server.address, timeout=20) as client:
        yield client
    await server.close(0)


async def test_an_invocation_goes_out_and_its_answer_comes_back(client):
    response = await client.invoke(Invocation(model="m", chat=HELLO))
    assert response.chat.upstream_id == "hello"
    # It comes in units that gRPC rounds up to.
    assert 10 < float(response.settlement.target) < 20.5


async def test_a_deadline_of_a_single_call_is_the_one_that_is_sent(client):
    answer = await client.invoke(Invocation(model="m", chat=HELLO), deadline=9)
    assert 0 < float(answer.settlement.target) < 9.5
    with pytest.raises(DeadlineExceededError):
        await client.invoke(Invocation(model="slow"), deadline=0.05)


async def test_a_providers_error_comes_back_with_its_facts(client):
    with pytest.raises(ProviderRateLimitedError) as caught:
        await client.invoke(Invocation(model="busy"))
    assert (caught.value.http_status, caught.value.retry_after) == (429, 3.0)


async def test_a_strangers_exception_says_nothing(client, caplog):
    with pytest.raises(InternalError) as caught:
        await client.invoke(Invocation(model="bug"))
    assert "s3cr3t" not in f"{caught.value} {caught.value.__cause__}"


async def test_events_of_a_stream_come_one_by_one(client):
    events = [event async for event in client.invoke_stream(Invocation(model="m"))]
    assert [event.chat_delta.text for event in events[:-1]] == ["one", "one", "two", "two"]
    assert events[-1].end is not None


async def test_a_stream_that_breaks_ends_with_its_error(client):
    stream = client.invoke_stream(Invocation(model="cut"))
    for _ in range(4):
        await anext(stream)
    with pytest.raises(TruncatedAnswerError):
        await anext(stream)


async def test_leaving_a_stream_early_cancels_the_call(client, gateway):
    async with aclosing(client.invoke_stream(Invocation(model="endless"))) as stream:
        await anext(stream)
    await asyncio.wait_for(gateway.left.wait(), 30)


async def test_explain_may_say_that_there_is_nobody(client):
    with pytest.raises(NoCandidateError) as caught:
        await client.explain(Invocation(model="m"))
    assert caught.value.metadata == {"CREDENTIAL": "2"}


async def test_nobody_listening_is_unavailable_at_once():
    async with Client("127.0.0.1:1", gateway="127.0.0.1:1") as client:
        with pytest.raises(UnavailableError):
            await client.get("models/a")
        with pytest.raises(UnavailableError):
            await client.invoke(Invocation(model="m"))


async def test_a_service_that_is_not_there_is_unimplemented():
    async with FakeRegistry() as fake, Client(fake.address, gateway=fake.address) as client:
        with pytest.raises(UnimplementedError):
            await client.invoke(Invocation(model="m"))


async def test_a_call_ends_at_the_timeout_of_its_client():
    future = ReadConsistency(ConsistencyLevel.NOT_OLDER_THAN, 99)
    async with FakeRegistry() as fake, RegistryClient(fake.address, timeout=0.1) as client:
        with pytest.raises(DeadlineExceededError):
            await client.get("models/a", consistency=future)


async def test_a_cancelled_call_is_cancelled_and_not_an_error_of_ours(client):
    call = asyncio.create_task(client.invoke(Invocation(model="slow")))
    await asyncio.sleep(0.05)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_violations_come_back_with_their_paths():
    async with FakeRegistry() as fake, Client(fake.address) as client:
        with pytest.raises(InvalidArgumentError) as caught:
            await client.get("nothing")
    assert [violation.field for violation in caught.value.violations] == ["name"]
