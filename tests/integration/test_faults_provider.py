"""Calls that nobody answers, as callers see it on gRPC and on the OpenAI front. (How providers fail: tests/faults.)"""

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from grpc import StatusCode, aio

from airegistry._convert import to_pb
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.resource import Resource
from airegistry.v1 import chat_pb2
from airegistry.v1 import gateway_service_pb2 as pb
from airegistry.v1.gateway_service_pb2_grpc import GatewayServiceStub
from airegistry.v1.usage_pb2 import COST_STATE_PARTIAL
from tests import catalogs, providers
from tests.calls import refusal
from tests.planes import gateway_knowing
from tests.providers import Peer, Provider, provider

QUICK: dict[str, Any] = {
    "gateway_first_token_timeout": 0.15,
    "gateway_idle_timeout": 0.15,
    "gateway_total_timeout": 2.0,
    "gateway_max_attempts": 1,
}
CHAT = pb.Invocation(model="m", chat=to_pb(catalogs.asked(), chat_pb2.ChatRequest))
BODY: Any = {"model": "over-http", "messages": [{"role": "user", "content": "Hi"}]}


@dataclass
class Reached:
    stub: Any
    http: aiohttp.ClientSession
    up: Provider

    async def post(self, *, stream: bool) -> tuple[int, str]:
        async with self.http.post("/v1/chat/completions", data=json.dumps({**BODY, "stream": stream})) as reply:
            return reply.status, await reply.text()


def served(up: Provider) -> list[Resource]:
    """Return models of the one provider. A failed one is left alone for a while, so each call of a test has its own."""
    models = ("m", "over-http", "healthy")
    return [one for id_ in models for one in (catalogs.model(id_), catalogs.endpoint("a", up.url, model=id_))]


@asynccontextmanager
async def gateway_over(folder, behaviour):
    """Run a gateway over a provider that fails, and see that it answers when the provider does."""
    async with (
        provider(behaviour) as up,
        gateway_knowing(folder, served(up), **QUICK) as gateway,
        aio.insecure_channel(gateway.address) as channel,
        aiohttp.ClientSession(f"http://{gateway.http_address}") as http,
    ):
        reached = Reached(GatewayServiceStub(channel), http, up)
        yield reached
        up.behave(providers.ok)
        healthy = pb.Invocation(model="healthy", chat=CHAT.chat)
        assert (await reached.stub.Invoke(pb.InvokeRequest(invocation=healthy))).settlement.target


def ends_with(code, reason, caught):
    found = refusal(caught.value)
    assert (found.code, found.reason) == (code, reason)
    assert (
        pb.AttemptList.DESCRIPTOR.full_name.encode()
        in dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    )


def is_error(text: str, reason: str) -> None:
    error = json.loads(text)["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["code"] == reason.lower()


async def test_a_whole_answer_that_never_comes_is_bounded_by_the_time_for_the_whole_call(tmp_path):
    """It shows no first token: the time for that bounds it only where the caller or the route says so."""
    async with gateway_over(tmp_path, providers.hang_before_headers) as gateway:
        with pytest.raises(aio.AioRpcError) as caught:
            await gateway.stub.Invoke(pb.InvokeRequest(invocation=CHAT))
        ends_with(StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", caught)
        got, text = await gateway.post(stream=False)
        assert got == 504
        is_error(text, "DEADLINE_EXCEEDED")


@pytest.mark.parametrize(
    ("model", "code", "http_status", "reason"),
    [
        pytest.param("unknown", StatusCode.NOT_FOUND, 404, "MODEL_NOT_FOUND", id="unknown"),
        pytest.param("nobody", StatusCode.FAILED_PRECONDITION, 503, "NO_CANDIDATE", id="nobody-serves-it"),
        pytest.param(
            "embeds", StatusCode.FAILED_PRECONDITION, 400, "NOT_SUITABLE", id="those-who-serve-it-do-other-work"
        ),
        pytest.param("away", StatusCode.FAILED_PRECONDITION, 503, "NO_CANDIDATE", id="others-could-but-take-no-calls"),
    ],
)
async def test_a_model_that_nobody_serves(tmp_path, model, code, http_status, reason):
    asked = pb.Invocation(model=model, chat=CHAT.chat)
    url = "http://127.0.0.1:1/v1"
    embeds = catalogs.endpoint("e", url, model="embeds", communication=catalogs.OPEN_EMBEDDINGS)
    beside = catalogs.endpoint("e", url, model="away", communication=catalogs.OPEN_EMBEDDINGS)
    away = catalogs.endpoint("idle", url, model="away", weight=0)
    models = [catalogs.model(name) for name in ("nobody", "embeds", "away")]
    resources = [*models, embeds, beside, away, *catalogs.served(url)]
    async with (
        gateway_knowing(tmp_path, resources) as gateway,
        aio.insecure_channel(gateway.address) as channel,
        aiohttp.ClientSession(f"http://{gateway.http_address}") as http,
    ):
        stub: Any = GatewayServiceStub(channel)
        for answering in (
            stub.Invoke(pb.InvokeRequest(invocation=asked)),
            stub.InvokeStream(pb.InvokeStreamRequest(invocation=asked)).read(),
            stub.Explain(pb.ExplainRequest(invocation=asked)) if reason == "MODEL_NOT_FOUND" else None,
        ):
            if answering is None:
                continue
            with pytest.raises(aio.AioRpcError) as caught:
                await answering
            found = refusal(caught.value)
            assert (found.code, found.reason) == (code, reason)
        async with http.post("/v1/chat/completions", data=json.dumps({**BODY, "model": model})) as reply:
            assert reply.status == http_status
            is_error(await reply.text(), reason)


async def test_a_cost_that_the_wire_cannot_hold_is_partial_and_the_answer_is_given(tmp_path):
    most = 2**63 - 1
    dear = PriceList((PriceSchedule((Price(PriceBucket.INPUT_TOKENS, most), Price(PriceBucket.OUTPUT_TOKENS, most))),))
    used = {"prompt_tokens": 10**9, "completion_tokens": 10**9}

    async def much(peer: Peer) -> None:
        message = {"role": "assistant", "content": "Hi"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        await peer.reply(200, json.dumps({"id": "u", "choices": [choice], "usage": used}).encode())

    async with provider(much) as up:
        resources = [catalogs.model(), catalogs.endpoint("a", up.url, prices=dear)]
        async with (
            gateway_knowing(tmp_path, resources) as gateway,
            aio.insecure_channel(gateway.address) as channel,
        ):
            answer = await GatewayServiceStub(channel).Invoke(pb.InvokeRequest(invocation=CHAT))
            explained = await GatewayServiceStub(channel).Explain(pb.ExplainRequest(invocation=CHAT))
    assert (answer.settlement.cost.state, answer.settlement.cost.nanos) == (COST_STATE_PARTIAL, most)
    assert len(explained.candidates) == 1
