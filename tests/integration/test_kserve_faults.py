"""`kserve.v2` through the engine: servers that refuse, break off, never answer or answer nonsense."""

import asyncio
import socket
import time
from typing import Any

import grpc
import pytest

from airegistry.errors import (
    ContextLengthError,
    MalformedAnswerError,
    ProviderConnectionError,
    ProviderCredentialError,
    ProviderError,
    ProviderFailedError,
    ProviderModelNotFoundError,
    ProviderOverloadedError,
    ProviderRateLimitedError,
    ProviderRejectedError,
    ProviderTimeoutError,
)
from airegistry.inference.v2 import inference_pb2 as pb
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.invoke.transport import TransportSettings
from airegistry.resources.route import RoutePolicy
from tests.catalogs import chat
from tests.engines import text_of
from tests.inference_engines import TEXT, engine_for, events_of
from tests.inference_servers import Caller, inference_server, refusing, text
from tests.providers import ok, provider
from tests.robustness.proxy import proxy
from tests.waiting import until


async def collect(engine, got: list[Any]) -> None:
    """Add to *got* what comes before the stream ends or fails; one attempt."""
    async for batch in engine.stream(chat(policy=RoutePolicy(max_attempts=1))):
        got += batch


REFUSALS = {
    "too-long": (grpc.StatusCode.INVALID_ARGUMENT, "prompt is too long", ContextLengthError),
    "wrong": (grpc.StatusCode.INVALID_ARGUMENT, "unexpected shape", ProviderRejectedError),
    "no-model": (grpc.StatusCode.NOT_FOUND, "unknown model", ProviderModelNotFoundError),
    "no-key": (grpc.StatusCode.UNAUTHENTICATED, "who are you", ProviderCredentialError),
    "quota": (grpc.StatusCode.RESOURCE_EXHAUSTED, "too many", ProviderRateLimitedError),
    "busy": (grpc.StatusCode.UNAVAILABLE, "queue is full", ProviderOverloadedError),
    "broken": (grpc.StatusCode.INTERNAL, "CUDA error", ProviderFailedError),
    "late": (grpc.StatusCode.DEADLINE_EXCEEDED, "took too long", ProviderTimeoutError),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("code", "words", "error"), REFUSALS.values(), ids=REFUSALS)
async def test_a_status_of_the_server_is_an_error_with_its_words(code, words, error, stream):
    refuse = refusing(code, words)
    async with inference_server(refuse, refuse) as up, engine_for(up.url) as engine:
        with pytest.raises(error, match=words) as raised:
            await (events_of(engine, chat()) if stream else engine.invoke(chat()))
    assert type(raised.value) is error


async def test_a_server_that_asks_for_a_pause_gets_it():
    refuse = refusing(grpc.StatusCode.RESOURCE_EXHAUSTED, "later", metadata=(("grpc-retry-pushback-ms", "60000"),))
    async with inference_server(refuse) as up, engine_for(up.url) as engine:
        with pytest.raises(ProviderRateLimitedError) as raised:
            await engine.invoke(chat())
    assert raised.value.retry_after == 60


async def test_an_error_inside_of_a_stream_comes_after_what_came_before_it():
    async def stream(caller: Caller) -> None:
        await caller.triton(text("half"))
        await asyncio.sleep(0.02)
        await caller.failed("CUDA out of memory")

    got: list[Any] = []
    async with inference_server(stream=stream) as up, engine_for(up.url) as engine:
        with pytest.raises(ProviderFailedError, match="CUDA out of memory"):
            await collect(engine, got)
    assert text_of(got) == "half"


async def test_a_stream_that_breaks_off_is_never_a_whole_answer():
    async def stream(caller: Caller) -> None:
        await caller.triton(text("half"))
        await asyncio.sleep(0.02)
        await caller.context.abort(grpc.StatusCode.INTERNAL, "worker died")

    got: list[Any] = []
    async with inference_server(stream=stream) as up, engine_for(up.url) as engine:
        with pytest.raises(ProviderError, match="worker died"):
            await collect(engine, got)
    assert text_of(got) == "half"
    assert not any(event.chat_delta and event.chat_delta.finish_reason for event in got)


async def test_a_connection_that_is_reset_mid_stream_is_a_connection_error_after_what_came():
    async def stream(caller: Caller) -> None:
        await caller.triton(text("half"))
        # A reset takes along what is still on its way.
        await until(lambda: text_of(got))
        await asyncio.to_thread(network.cut)
        await caller.until_gone()

    got: list[Any] = []
    async with inference_server(stream=stream) as up:
        with proxy(up.url.removeprefix("grpc://")) as network:
            async with engine_for(f"grpc://{network.address}") as engine:
                with pytest.raises(ProviderConnectionError, match="broke in the middle of the answer"):
                    await asyncio.wait_for(collect(engine, got), 60)
    assert text_of(got) == "half"


async def test_a_connection_that_is_reset_before_the_answer_is_tried_again():
    calls: list[Caller] = []

    async def infer(caller: Caller) -> Any:
        calls.append(caller)
        if len(calls) == 1:
            await asyncio.to_thread(network.cut)
            await caller.until_gone()
        return text("second try")

    async with inference_server(infer) as up:
        with proxy(up.url.removeprefix("grpc://")) as network:
            async with engine_for(f"grpc://{network.address}") as engine:
                answered = await engine.invoke(chat(), deadline=20)
    assert answered.output.text == "second try"
    assert [attempt.outcome for attempt in answered.settlement.attempts] == [AttemptOutcome.ERROR, AttemptOutcome.OK]


@pytest.mark.parametrize("number", range(40))
async def test_the_second_try_after_a_reset_never_goes_by_the_broken_connection(number):
    # gRPC says for a moment that such a connection stands: two of forty second tries were lost by it.

    async def infer(caller: Caller) -> Any:
        if len(up.seen) == 1:
            await asyncio.to_thread(network.cut)
            await caller.until_gone()
        return text("second try")

    async with inference_server(infer) as up:
        with proxy(up.url.removeprefix("grpc://")) as network:
            async with engine_for(f"grpc://{network.address}") as engine:
                await engine.invoke(chat(), deadline=20)
                grpc_transport = engine._means.transport._grpc
                assert (len(grpc_transport._channels), grpc_transport._broken) == (1, set())
    assert len(up.seen) == 2, number


async def test_another_endpoint_takes_over_before_the_first_token():
    async def stream(caller: Caller) -> None:
        await caller.context.abort(grpc.StatusCode.UNAVAILABLE, "draining")

    async with (
        inference_server(stream=stream) as bad,
        inference_server() as good,
        engine_for(bad.url, good.url) as engine,
    ):
        events = await events_of(engine, chat())
    assert text_of(events) == TEXT
    outcomes = [attempt.outcome for attempt in events[-1].end.settlement.attempts]
    assert outcomes == [AttemptOutcome.ERROR, AttemptOutcome.OK]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_nobody_there_is_a_connection_error_at_once(stream):
    started = time.monotonic()
    async with engine_for("grpc://127.0.0.1:1") as engine:
        with pytest.raises(ProviderConnectionError, match="cannot connect: connection refused"):
            await (events_of(engine, chat()) if stream else engine.invoke(chat()))
    assert time.monotonic() - started < 5


async def test_a_server_that_never_speaks_http2_is_a_timeout_of_connecting():
    policy = RoutePolicy(connect_timeout=0.3, max_attempts=1)
    # The kernel takes the connection; nobody ever reads from it.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with engine_for(f"grpc://127.0.0.1:{silent.getsockname()[1]}") as engine:
            with pytest.raises(ProviderTimeoutError, match="no connection within"):
                await engine.invoke(chat(policy=policy))


async def test_a_server_of_http_1_is_a_connection_error():
    async with provider(ok) as up:
        url = up.url.replace("http://", "grpc://").removesuffix("/v1")
        async with engine_for(url) as engine:
            with pytest.raises(ProviderError):
                await engine.invoke(chat(policy=RoutePolicy(connect_timeout=2, max_attempts=1)))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_answer_larger_than_is_taken_is_refused(stream):
    async def infer(_caller: Caller) -> Any:
        return text("x" * 200_000)

    async def endless(caller: Caller) -> None:
        await caller.triton(await infer(caller))

    small = TransportSettings(max_answer_bytes=100_000)
    async with inference_server(infer, endless) as up, engine_for(up.url, transport=small) as engine:
        with pytest.raises(MalformedAnswerError, match="larger than is taken"):
            await (events_of(engine, chat()) if stream else engine.invoke(chat()))


MALFORMED = {
    "no-message": b"\xff\xff\xff",
    "cut-element": pb.ModelInferResponse(
        outputs=[pb.InferOutputTensor(name="t", datatype="BYTES", shape=[1])], raw_output_contents=[b"\x09\0\0\0x"]
    ).SerializeToString(),
    "odd-numbers": pb.ModelInferResponse(
        outputs=[pb.InferOutputTensor(name="t", datatype="FP32", shape=[1])], raw_output_contents=[b"\0"]
    ).SerializeToString(),
    "contents-missing": pb.ModelInferResponse(
        outputs=[pb.InferOutputTensor(name="t"), pb.InferOutputTensor(name="u")], raw_output_contents=[b""]
    ).SerializeToString(),
    "no-text": pb.ModelInferResponse(model_name="served").SerializeToString(),
}


@pytest.mark.parametrize("answer", MALFORMED.values(), ids=MALFORMED)
async def test_an_answer_of_another_shape_is_malformed(answer):
    async def infer(_caller: Caller) -> Any:
        return answer

    async with inference_server(infer) as up, engine_for(up.url) as engine:
        with pytest.raises(MalformedAnswerError):
            await engine.invoke(chat(policy=RoutePolicy(max_attempts=1)))
