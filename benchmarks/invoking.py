"""Invoke and `/v1/chat/completions` through the gateway, beside calling the same provider directly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import uvloop
from grpc import aio

from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint
from airegistry.resources.model import Model
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.resource import Resource
from airegistry.v1 import chat_pb2, content_pb2, gateway_service_pb2
from benchmarks.processes import data_dir, gateway, registry, script
from benchmarks.provider import TOKENS
from benchmarks.registering import register_all
from benchmarks.rows import Row, median, percentile

CALLERS = 16
SECONDS = 3.0
MODEL = "fast"
_JSON = {"model": MODEL, "messages": [{"role": "user", "content": "Say words."}]}

Call = Callable[[], Awaitable[float]]
"""Makes one whole call and returns the seconds to its first token."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run of one kind of call gave."""

    per_second: float
    first_token_millis: float
    p99_millis: float


def measure() -> list[Row]:
    """Measure unary and streamed calls: directly, by gRPC, and by the OpenAI front."""
    with data_dir() as folder, registry(folder / "registry") as plane, script("benchmarks.provider") as provider:
        asyncio.run(register_all(plane.address, _resources(f"http://{provider.address}/v1")))
        with gateway(folder / "gateway", plane.address) as server:
            return uvloop.run(_measure(provider.address, server.address, server.http))


async def _measure(provider: str, grpc: str, http: str) -> list[Row]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, aio.insecure_channel(grpc) as channel:
        await _until_known(session, http)
        rows = []
        for kind, stream in (("unary", False), ("streamed", True)):
            direct = await _run(_http(session, f"http://{provider}/v1/chat/completions", stream=stream))
            front = await _run(_http(session, f"http://{http}/v1/chat/completions", stream=stream))
            invoke = await _run(_invoke_stream(channel) if stream else _invoke(channel))
            rows.append(_row(f"/v1/chat/completions, {kind}", front, direct, stream=stream))
            rows.append(_row(f"{'InvokeStream' if stream else 'Invoke'}, {kind}", invoke, direct, stream=stream))
        return rows


def _row(work: str, ours: Figures, direct: Figures, *, stream: bool) -> Row:
    return Row(
        work,
        f"{_shown(ours, stream=stream)} = {ours.per_second / direct.per_second:.2f} x direct",
        f"direct: {_shown(direct, stream=stream)}",
        "reported",
    )


def _shown(figures: Figures, *, stream: bool) -> str:
    tokens = f", {figures.per_second * TOKENS:,.0f} tokens/s" if stream else ""
    return f"{figures.per_second:,.0f}/s{tokens}, first token {figures.first_token_millis:.1f} ms"


async def _run(call: Call) -> Figures:
    for _ in range(CALLERS):
        await call()
    first: list[float] = []
    whole: list[float] = []
    began = time.perf_counter()

    async def caller() -> None:
        while (started := time.perf_counter()) < began + SECONDS:
            first.append(await call())
            whole.append(time.perf_counter() - started)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    elapsed = time.perf_counter() - began
    return Figures(len(whole) / elapsed, median(first) * 1e3, percentile(whole, 0.99) * 1e3)


def _http(session: aiohttp.ClientSession, url: str, *, stream: bool) -> Call:
    async def call() -> float:
        started = time.perf_counter()
        first = 0.0
        async with session.post(url, json=_JSON | {"stream": stream}) as answer:
            answer.raise_for_status()
            async for _ in answer.content.iter_any():
                first = first or time.perf_counter() - started
        return first

    return call


def _invoke(channel: aio.Channel) -> Call:
    request = gateway_service_pb2.InvokeRequest(invocation=_invocation()).SerializeToString()
    method = channel.unary_unary("/airegistry.v1.GatewayService/Invoke", None, None)

    async def call() -> float:
        started = time.perf_counter()
        await method(request)
        return time.perf_counter() - started

    return call


def _invoke_stream(channel: aio.Channel) -> Call:
    request = gateway_service_pb2.InvokeStreamRequest(invocation=_invocation()).SerializeToString()
    method = channel.unary_stream("/airegistry.v1.GatewayService/InvokeStream", None, None)

    async def call() -> float:
        started = time.perf_counter()
        first = 0.0
        async for _ in method(request):
            first = first or time.perf_counter() - started
        return first

    return call


async def _until_known(session: aiohttp.ClientSession, http: str) -> None:
    """Wait until the gateway heard of the model."""
    async with asyncio.timeout(10):
        while True:
            async with session.get(f"http://{http}/v1/models") as answer:
                if any(item["id"] == MODEL for item in (await answer.json())["data"]):
                    return
            await asyncio.sleep(0.05)


def _invocation() -> gateway_service_pb2.Invocation:
    text = content_pb2.ContentBlock(text=content_pb2.TextBlock(text="Say words."))
    message = chat_pb2.Message(role=chat_pb2.ROLE_USER, content=[text])
    return gateway_service_pb2.Invocation(model=MODEL, chat=chat_pb2.ChatRequest(messages=[message]))


def _resources(address: str) -> list[Resource]:
    free = PriceSchedule((Price(PriceBucket.INPUT_TOKENS, 0), Price(PriceBucket.OUTPUT_TOKENS, 0)))
    endpoint = Endpoint(
        provider="local",
        address=address,
        upstream_model=MODEL,
        communication=Communication(dialect="openai.chat", auth=Auth(AuthMethod.NONE)),
        prices=PriceList((free,)),
    )
    return [
        Resource(name=f"models/{MODEL}", model=Model(tasks=("text-generation",))),
        Resource(name=f"models/{MODEL}/endpoints/local", endpoint=endpoint),
    ]
