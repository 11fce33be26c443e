"""GatewayService over gRPC, by generated stubs and by the SDK's client."""

import asyncio
import json
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc import aio

from airegistry import errors
from airegistry._convert import to_pb
from airegistry.client import GatewayClient
from airegistry.discovery.answers import ExclusionReason
from airegistry.invocations.invocation import Invocation
from airegistry.resources.resource import Health, ResourceStatus
from airegistry.resources.route import RouteTarget, RouteTier
from airegistry.v1 import chat_pb2
from airegistry.v1 import gateway_service_pb2 as pb
from airegistry.v1 import invocation_kinds_pb2 as kinds
from airegistry.v1.gateway_service_pb2_grpc import GatewayServiceStub
from tests import catalogs, providers
from tests.catalogs import chat
from tests.planes import gateway_at, gateway_knowing
from tests.providers import LEAVING, TOKENS, Provider, provider, status

WIRE_CHAT = to_pb(chat().chat, chat_pb2.ChatRequest)


@dataclass
class Reached:
    # Untyped: tests look at fields that may be absent.
    client: Any
    stub: Any
    up: Provider


@asynccontextmanager
async def gateway_over(folder, *behaviours, **settings):
    async with (
        provider(*behaviours) as up,
        gateway_knowing(folder, catalogs.served(up.url), **settings) as gateway,
        GatewayClient(gateway.address) as client,
        aio.insecure_channel(gateway.address) as channel,
    ):
        yield Reached(client, GatewayServiceStub(channel), up)


def detail(error: Any, message: Any) -> Any:
    """Return the one detail of a status that is of the type of *message*."""
    (packed,) = [value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin"]
    status = status_pb2.Status.FromString(packed)
    (found,) = [one for one in status.details if one.Is(message.DESCRIPTOR)]
    found.Unpack(message)
    return message


async def test_invoke_answers_with_the_account(tmp_path):
    async with gateway_over(tmp_path, providers.ok) as gateway:
        answer = await gateway.client.invoke(chat())
    assert answer.chat.choices[0].message.content[0].text.text == "".join(TOKENS)
    assert answer.settlement.target == "models/m/endpoints/a"
    assert answer.settlement.attempts[0].http_status == 200


async def test_a_stream_ends_with_the_account(tmp_path):
    async with gateway_over(tmp_path, providers.ok) as gateway:
        events = [event async for event in gateway.client.invoke_stream(chat())]
    assert events[0].started.target == "models/m/endpoints/a"
    assert "".join(event.chat_delta.text or "" for event in events if event.chat_delta) == "".join(TOKENS)
    assert events[-1].end.settlement.usage.input_tokens == 10


async def test_tokens_that_are_ready_come_in_one_message(tmp_path):
    async def all_at_once(peer: providers.Peer) -> None:
        await peer.head(200, {"content-type": "text/event-stream"})
        lines = [providers.chunk({"content": "x"}) for _ in range(50)]
        await peer.send(b"".join(providers.event_bytes(line) for line in lines))
        await providers.finish(peer)

    request = pb.InvokeStreamRequest(invocation=pb.Invocation(model="m", chat=WIRE_CHAT))
    async with gateway_over(tmp_path, all_at_once) as gateway:
        messages = [message async for message in gateway.stub.InvokeStream(request)]
    assert sum(event.HasField("chat_delta") for message in messages for event in message.events) >= 50
    assert len(messages) < 10


async def test_a_failed_call_lists_its_attempts_in_the_status(tmp_path):
    request = pb.InvokeRequest(invocation=pb.Invocation(model="m", chat=WIRE_CHAT))
    async with gateway_over(tmp_path, status(500), status(503)) as gateway:
        with pytest.raises(aio.AioRpcError) as failed:
            await gateway.stub.Invoke(request)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    assert detail(failed.value, error_details_pb2.ErrorInfo()).reason == "PROVIDER_OVERLOADED"
    attempts = detail(failed.value, pb.AttemptList()).attempts
    assert [attempt.http_status for attempt in attempts] == [500, 503]
    assert attempts[0].target == "models/m/endpoints/a"


async def test_bad_input_names_its_field(tmp_path):
    request = pb.InvokeRequest(invocation=pb.Invocation(model="m", agent_task=kinds.AgentTaskRequest(skill="s")))
    async with gateway_over(tmp_path, providers.ok) as gateway:
        with pytest.raises(aio.AioRpcError) as failed:
            await gateway.stub.Invoke(request)
    assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert detail(failed.value, error_details_pb2.ErrorInfo()).reason == "INVALID_ARGUMENT"
    violation = detail(failed.value, error_details_pb2.BadRequest()).field_violations[0]
    assert violation.field == "invocation.agent_task.content"


async def test_a_stream_that_breaks_ends_with_its_error(tmp_path):
    async with gateway_over(tmp_path, providers.truncated) as gateway:
        stream = gateway.client.invoke_stream(chat())
        events = [await anext(stream) for _ in range(3)]
        with pytest.raises(errors.TruncatedAnswerError):
            await anext(stream)
    assert "".join(event.chat_delta.text or "" for event in events if event.chat_delta) == "One two"


async def test_the_callers_deadline_is_the_providers_too(tmp_path):
    async with gateway_over(tmp_path, providers.hang_before_headers) as gateway:
        # A busy machine may need more time than the first of them to ask at all.
        for deadline in (0.2, 2.0, 8.0):
            with pytest.raises(errors.DeadlineExceededError):
                await gateway.client.invoke(chat(), deadline=deadline)
            if gateway.up.seen:
                break
        async with asyncio.timeout(LEAVING):
            await gateway.up.seen[0].gone.wait()


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(providers.hang_before_headers, id="before-headers"),
        pytest.param(providers.hang_before_first_token, id="before-first-token"),
        pytest.param(providers.hang_in_the_middle, id="mid-stream"),
    ],
)
async def test_a_cancelled_call_cancels_the_provider_at_once(tmp_path, behaviour):
    async with gateway_over(tmp_path, behaviour) as gateway, aclosing(gateway.client.invoke_stream(chat())) as events:
        asking = asyncio.ensure_future(anext(events))
        await asyncio.wait_for(gateway.up.asked.wait(), LEAVING)
        if behaviour is providers.hang_in_the_middle:
            await asking
        asking.cancel()
        await asyncio.wait((asking,))
        await events.aclose()
        async with asyncio.timeout(LEAVING):
            await gateway.up.seen[0].gone.wait()


async def test_explain_says_who_would_be_asked_and_why_others_would_not(tmp_path):
    open_end = catalogs.endpoint("open", "http://127.0.0.1:1")
    resources = [
        catalogs.model(),
        catalogs.endpoint("later", "http://127.0.0.1:1", priority=1),
        open_end,
        catalogs.endpoint(
            "keyless", "http://127.0.0.1:1", communication=catalogs.WITH_KEY, credential="MISSING_API_KEY"
        ),
        catalogs.endpoint("foreign", "http://127.0.0.1:1", communication=catalogs.OPEN_EMBEDDINGS),
        catalogs.with_status(
            catalogs.endpoint("down", "http://127.0.0.1:1"), ResourceStatus(health=Health.NOT_SERVING)
        ),
        catalogs.endpoint("idle", "http://127.0.0.1:1", weight=0),
        catalogs.route("r", tiers=(RouteTier((RouteTarget(model="models/m"),)),)),
    ]
    async with gateway_knowing(tmp_path, resources) as gateway, GatewayClient(gateway.address) as client:
        answer = await client.explain(chat("r"))
    assert answer.resolved == "routes/r"
    assert [one.candidate.resource.name for one in answer.candidates if one.candidate and one.candidate.resource] == [
        "models/m/endpoints/open",
        "models/m/endpoints/later",
    ]
    assert {one.breaker for one in answer.candidates} == {"closed"}
    assert {exclusion.reason: exclusion.names for exclusion in answer.exclusions} == {
        ExclusionReason.HEALTH: ("models/m/endpoints/down",),
        ExclusionReason.CREDENTIAL: ("models/m/endpoints/keyless",),
        ExclusionReason.DIALECT: ("models/m/endpoints/foreign",),
        ExclusionReason.WEIGHT: ("models/m/endpoints/idle",),
    }
    assert answer.policy is not None
    assert (answer.policy.max_attempts, answer.policy.first_token_timeout) == (3, 30.0)


async def test_routing_can_be_explained_without_an_input(tmp_path):
    async with gateway_over(tmp_path, providers.ok) as gateway:
        answer = await gateway.client.explain(Invocation(model="m"))
    assert len(answer.candidates) == 1
    assert gateway.up.seen == []


async def test_a_gateway_that_never_heard_of_a_registry_says_so(tmp_path):
    async with gateway_at(tmp_path) as gateway, GatewayClient(gateway.address) as client:
        with pytest.raises(errors.UnavailableError, match="nothing was heard"):
            await client.invoke(chat())


async def test_a_running_stream_may_end_while_the_gateway_stops(tmp_path):
    async with provider(providers.paced(0.05)) as up, AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(
            gateway_knowing(tmp_path, catalogs.served(up.url), gateway_drain=30.0)
        )
        async with GatewayClient(gateway.address) as client, aclosing(client.invoke_stream(chat())) as events:
            said = [await anext(events)]
            stopping = asyncio.ensure_future(stack.aclose())
            said += [event async for event in events]
            await stopping
    assert said[-1].end is not None


async def test_a_stream_that_outlives_the_drain_is_cut_and_its_provider_too(tmp_path):
    async with provider(providers.hang_in_the_middle) as up, AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(gateway_knowing(tmp_path, catalogs.served(up.url), gateway_drain=0.1))
        async with GatewayClient(gateway.address) as client, aclosing(client.invoke_stream(chat())) as events:
            await anext(events)
            async with asyncio.timeout(20):
                await stack.aclose()
            with pytest.raises(errors.RegistryError):
                [event async for event in events]
        async with asyncio.timeout(LEAVING):
            await up.seen[0].gone.wait()


async def test_a_raw_request_goes_through_as_it_is(tmp_path):
    body = b'{"model": "theirs", "messages": []}'
    request = pb.InvokeRequest(
        invocation=pb.Invocation(model="m", raw=kinds.RawRequest(dialect="openai.chat", body=body))
    )
    async with gateway_over(tmp_path, providers.ok) as gateway:
        answer = await gateway.stub.Invoke(request)
        stream = pb.InvokeStreamRequest(invocation=request.invocation)
        events = [event async for message in gateway.stub.InvokeStream(stream) for event in message.events]
    assert answer.raw.status == 200
    assert json.loads(answer.raw.body)["choices"][0]["message"]["content"]
    assert answer.settlement.target == "models/m/endpoints/a"
    assert b"".join(event.raw.body for event in events if event.HasField("raw")) == answer.raw.body
    assert events[-1].HasField("end")
