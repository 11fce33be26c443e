"""`kserve.v2` through the engine, against real gRPC servers: what is asked, and what is read of the answers."""

import asyncio
import struct
from typing import Any

import pytest

from airegistry.errors import UnsupportedFieldError
from airegistry.inference.v2 import inference_pb2 as pb
from airegistry.invocations.chat import ChatRequest, FinishReason, Message, Role, Tool
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.invocation import Invocation
from airegistry.invocations.usage import Usage
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, CustomFormat
from tests.catalogs import PRICES, asked, chat
from tests.engines import text_of
from tests.inference_engines import TEXT, engine_for, events_of
from tests.inference_servers import TOKENS, Caller, inference_server, text

WORDS = (ContentBlock(TextBlock("hi")),)
PICTURE = ContentBlock(image=MediaBlock(url="https://pictures.example/a.png"))


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
