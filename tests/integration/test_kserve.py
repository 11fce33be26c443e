"""`kserve.v2` through the engine, against real gRPC servers that speak the Open Inference Protocol."""

import asyncio
import socket
import struct
import time
from typing import Any

import grpc
import pytest

from airegistry import invoke
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
    UnsupportedFieldError,
)
from airegistry.inference.v2 import inference_pb2 as pb
from airegistry.invocations.chat import ChatRequest, FinishReason, Message, Role, Tool
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.invocation import AttemptOutcome, Invocation
from airegistry.invocations.usage import Usage
from airegistry.invoke.settings import EngineSettings
from airegistry.invoke.transport import TransportSettings
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, CustomFormat
from airegistry.resources.route import RoutePolicy
from tests.catalogs import PRICES, asked, cache_of, chat, credentials, endpoint, model
from tests.inference_servers import TOKENS, Caller, inference_server, refusing, text
from tests.providers import ok, provider
from tests.robustness.proxy import proxy

OPEN = Communication(dialect="kserve.v2", auth=Auth(AuthMethod.NONE))
TEXT = "".join(TOKENS)
WORDS = (ContentBlock(TextBlock("hi")),)
PICTURE = ContentBlock(image=MediaBlock(url="https://pictures.example/a.png"))
# Tests look at fields that may be absent.
open_engine: Any = invoke.open_engine


def engine_for(*urls, communication=OPEN, known=None, transport=None, **facts):
    served = [
        endpoint(id_, url, priority=i, communication=communication, **facts)
        for i, (id_, url) in enumerate(zip("abc", urls, strict=False))
    ]
    settings = EngineSettings(transport=transport or TransportSettings())
    return open_engine(cache_of([model(), *served]), credentials=known, settings=settings)


async def events_of(engine, invocation, **options) -> list[Any]:
    return [event async for batch in engine.stream(invocation, **options) for event in batch]


async def collect(engine, got: list[Any]) -> None:
    """Add to *got* what comes before the stream ends or fails; one attempt."""
    async for batch in engine.stream(chat(policy=RoutePolicy(max_attempts=1))):
        got += batch


def text_of(events):
    return "".join(event.chat_delta.text or "" for event in events if event.chat_delta is not None)


async def test_a_whole_answer_and_a_stream_are_the_same_answer():
    async with inference_server() as up, engine_for(up.url, prices=PRICES) as engine:
        answered = await engine.invoke(chat())
        events = await events_of(engine, chat())
    (choice,) = answered.output.choices
    assert (answered.output.text, choice.finish_reason) == (TEXT, FinishReason.STOP)
    assert (answered.output.upstream_id, answered.output.upstream_model) == ("up-1", "served")
    assert text_of(events) == TEXT
    assert len([event for event in events if event.chat_delta and event.chat_delta.text]) == len(TOKENS)
    used = Usage(input_tokens=10, output_tokens=4)
    assert answered.settlement.usage == events[-1].end.settlement.usage == used
    assert answered.settlement.cost.nanos == 18_000


async def test_the_request_has_the_prompt_as_a_tensor_and_the_settings_as_parameters():
    request = asked("hé 😀", max_output_tokens=7, temperature=0.25, top_k=3, stop_sequences=("END",), seed=5)
    async with inference_server() as up, engine_for(up.url) as engine:
        await engine.invoke(chat(chat=request))
        await events_of(engine, chat(chat=request))
    first, second = up.seen
    words = "hé 😀".encode()
    assert first.request.model_name == "served"
    assert first.texts == {"text_input": struct.pack("<I", len(words)) + words}
    assert [(tensor.datatype, list(tensor.shape)) for tensor in first.request.inputs] == [("BYTES", [1])]
    assert first.parameters == {"max_tokens": 7, "temperature": "0.25", "top_k": 3, "stop": "END", "seed": 5}
    assert second.texts["stream"] == b"\x01"


async def test_names_types_and_shapes_may_be_those_that_the_endpoint_declares():
    custom = CustomFormat(
        request_template="{% for m in messages %}<{{ m.role }}>{{ m.text }}{% endfor %}",
        tensors={
            "text": "PROMPT",
            "rank": "2",
            "max_output_tokens": "max_tokens:INT32",
            "temperature": "temp:FP32",
            "stop_sequences": "stop_words",
            "exclude_input": "exclude_input_in_output",
            "output.text": "SAID",
        },
    )

    async def answer(_caller: Caller) -> Any:
        return text("hello", name="SAID", OTHER="noise")

    request = asked("hi", max_output_tokens=7, temperature=0.5, stop_sequences=("a", "b"))
    declared = Communication(dialect="kserve.v2", auth=Auth(AuthMethod.NONE), custom=custom)
    async with inference_server(answer) as up, engine_for(up.url, communication=declared) as engine:
        answered = await engine.invoke(chat(chat=request))
    assert answered.output.text == "hello"
    (seen,) = up.seen
    assert seen.texts == {
        "PROMPT": b"\x08\0\0\0<user>hi",
        "max_tokens": struct.pack("<i", 7),
        "temp": struct.pack("<f", 0.5),
        "stop_words": b"\x01\0\0\0a\x01\0\0\0b",
        "exclude_input_in_output": b"\x01",
    }
    assert {tensor.name: list(tensor.shape) for tensor in seen.request.inputs}["stop_words"] == [1, 2]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (asked(tools=(Tool("look"),)), r"chat\.tools"),
        (ChatRequest(messages=(Message(Role.SYSTEM, WORDS), Message(Role.USER, WORDS))), "system messages"),
        (ChatRequest(messages=(Message(Role.USER, WORDS), Message(Role.ASSISTANT, WORDS))), "one message of the user"),
        (ChatRequest(messages=(Message(Role.USER, (*WORDS, PICTURE)),)), r"content\[1\]\.image"),
    ],
    ids=["tools", "system", "turns", "picture"],
)
async def test_what_a_prompt_cannot_say_is_refused(request_, reason):
    async with inference_server() as up, engine_for(up.url) as engine:
        with pytest.raises(UnsupportedFieldError, match=reason):
            await engine.invoke(chat(chat=request_))
    assert up.seen == []


async def test_embeddings_come_in_the_order_of_their_inputs():
    async def vectors(_caller: Caller) -> Any:
        response = pb.ModelInferResponse(model_name="served")
        response.outputs.add(name="anything", datatype="FP32", shape=[2, 3])
        response.raw_output_contents.append(struct.pack("<6f", 0.1, 1, 2, 3, 4, 5))
        return response

    ask = Invocation(model="m", embeddings=EmbeddingsRequest(inputs=(EmbeddingInput("a"), EmbeddingInput("b"))))
    async with inference_server(vectors) as up, engine_for(up.url) as engine:
        answered = await engine.invoke(ask)
    tenth = struct.unpack("<f", struct.pack("<f", 0.1))[0]
    assert [one.values for one in answered.output.embeddings] == [(tenth, 1.0, 2.0), (3.0, 4.0, 5.0)]
    assert up.seen[0].texts == {"text_input": b"\x01\0\0\0a\x01\0\0\0b"}
    assert list(up.seen[0].request.inputs[0].shape) == [2]


async def test_contents_that_are_not_raw_are_read_too():
    async def answer(_caller: Caller) -> Any:
        response = pb.ModelInferResponse(model_name="served")
        tensor = response.outputs.add(name="text_output", datatype="BYTES", shape=[1])
        tensor.contents.bytes_contents.append(b"hi")
        counted = response.outputs.add(name="num_output_tokens", datatype="UINT32", shape=[1])
        counted.contents.uint_contents.append(3)
        return response

    async with inference_server(answer) as up, engine_for(up.url) as engine:
        answered = await engine.invoke(chat())
    assert answered.output.text == "hi"
    assert answered.settlement.usage.output_tokens == 3


async def test_a_stream_that_is_not_wrapped_is_read_as_mlserver_sends_it():
    async def stream(caller: Caller) -> None:
        for token in TOKENS:
            await caller.mlserver(text(token, name="anything"))

    async with inference_server(stream=stream) as up, engine_for(up.url) as engine:
        assert text_of(await events_of(engine, chat())) == TEXT


async def test_a_character_that_is_cut_between_two_messages_is_put_together_again():
    async def stream(caller: Caller) -> None:
        for byte in "é😀!".encode():
            await caller.triton(text(bytes([byte])))

    async with inference_server(stream=stream) as up, engine_for(up.url) as engine:
        assert text_of(await events_of(engine, chat())) == "é😀!"


async def test_a_final_response_ends_the_answer_though_the_stream_stays_open():
    async def stream(caller: Caller) -> None:
        await caller.triton(text("all"))
        last = pb.ModelInferResponse(model_name="served")
        last.parameters["triton_final_response"].bool_param = True
        await caller.triton(last)
        await caller.until_gone()

    async with inference_server(stream=stream) as up, engine_for(up.url) as engine:
        assert text_of(await events_of(engine, chat(), deadline=10)) == "all"
        await asyncio.wait_for(up.seen[0].gone.wait(), 5)


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
        await asyncio.sleep(0.1)
        await asyncio.to_thread(network.cut)
        await caller.until_gone()

    got: list[Any] = []
    async with inference_server(stream=stream) as up:
        with proxy(up.url.removeprefix("grpc://")) as network:
            async with engine_for(f"grpc://{network.address}") as engine:
                with pytest.raises(ProviderConnectionError, match="broke in the middle of the answer"):
                    await asyncio.wait_for(collect(engine, got), 10)
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


async def test_silence_before_the_first_token_ends_when_its_budget_does():
    async def stream(caller: Caller) -> None:
        await caller.until_gone()

    policy = RoutePolicy(first_token_timeout=0.2, max_attempts=1)
    async with inference_server(stream=stream) as up, engine_for(up.url) as engine:
        with pytest.raises(ProviderTimeoutError, match=r"no first token|no answer"):
            await events_of(engine, chat(policy=policy))
        await asyncio.wait_for(up.seen[0].gone.wait(), 5)


@pytest.mark.parametrize("phase", ["before-the-answer", "mid-stream"])
async def test_a_caller_who_goes_away_takes_the_call_along(phase):
    async def stream(caller: Caller) -> None:
        if phase == "mid-stream":
            await caller.triton(text("half"))
        await caller.until_gone()

    async with inference_server(stream=stream) as up, engine_for(up.url) as engine:
        task = asyncio.create_task(events_of(engine, chat()))
        await asyncio.wait_for(up.asked.wait(), 5)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(up.seen[0].gone.wait(), 2)


async def test_a_caller_who_goes_away_takes_a_whole_answer_along():
    async def infer(caller: Caller) -> Any:
        await caller.until_gone()

    async with inference_server(infer) as up, engine_for(up.url) as engine:
        task = asyncio.create_task(engine.invoke(chat()))
        await asyncio.wait_for(up.asked.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(up.seen[0].gone.wait(), 2)


async def test_the_deadline_of_the_caller_is_told_to_the_provider():
    left: list[float] = []

    async def infer(caller: Caller) -> Any:
        left.append(caller.context.time_remaining())
        return text("x")

    async with inference_server(infer) as up, engine_for(up.url) as engine:
        await engine.invoke(chat(), deadline=5)
    assert 0 < left[0] < 6


async def test_what_is_held_back_does_not_end_a_stream():
    async def stream(caller: Caller) -> None:
        for token in TOKENS:
            await caller.triton(text(token))
            await asyncio.sleep(0.03)

    policy = RoutePolicy(hold_back_tokens=100, hold_back_duration=0.01)
    async with inference_server(stream=stream) as up, engine_for(up.url) as engine:
        assert text_of(await events_of(engine, chat(policy=policy))) == TEXT


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


async def test_a_token_goes_as_metadata_and_a_query_cannot():
    header = Communication(dialect="kserve.v2", auth=Auth(AuthMethod.HEADER, "X-Key"), headers={"x-fixed": "1"})
    query = Communication(dialect="kserve.v2", auth=Auth(AuthMethod.QUERY, "key"))
    known = credentials(SOME_API_KEY="sk-secret")
    async with inference_server() as up:
        for communication in (Communication(dialect="kserve.v2"), header):
            async with engine_for(
                up.url, communication=communication, known=known, credential="SOME_API_KEY"
            ) as engine:
                await engine.invoke(chat())
        async with engine_for(up.url, communication=query, known=known, credential="SOME_API_KEY") as engine:
            with pytest.raises(ProviderCredentialError, match="no query"):
                await engine.invoke(chat())
        seen = [caller.metadata for caller in up.seen]
    assert [metadata.get("authorization") for metadata in seen] == ["Bearer sk-secret", None]
    assert (seen[1]["x-key"], seen[1]["x-fixed"]) == ("sk-secret", "1")


async def test_channels_are_shared_and_the_least_used_idle_ones_are_closed():
    few = TransportSettings(max_channels=2)
    async with inference_server() as a, inference_server() as b, inference_server() as c:
        served = [endpoint(id_, up.url, model=id_, communication=OPEN) for id_, up in (("a", a), ("b", b), ("c", c))]
        cache = cache_of([model("a"), model("b"), model("c"), *served])
        async with open_engine(cache, settings=EngineSettings(transport=few)) as engine:
            for name in ("a", "b", "a", "c", "a"):
                await engine.invoke(chat(name))
            grpc_transport = engine._means.transport._grpc
            assert len(grpc_transport._channels) == 2
            assert {key[0].rpartition(":")[2] for key in grpc_transport._channels} == {
                up.url.rpartition(":")[2] for up in (a, c)
            }
    peers = {caller.peer for caller in a.seen}
    assert len(peers) == 1
