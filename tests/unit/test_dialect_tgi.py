"""Text Generation Inference: what is asked, and what its errors mean."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.tgi.generate import TGIGenerate
from airegistry.dialects.tgi.stops import Stops
from airegistry.errors import (
    ContextLengthError,
    InvalidArgumentError,
    MalformedAnswerError,
    ProviderFailedError,
    ProviderOverloadedError,
    ProviderRejectedError,
    UnsupportedFieldError,
)
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import (
    ChatRequest,
    Reasoning,
    ResponseFormat,
    ResponseFormatKind,
    Role,
    Tool,
)
from airegistry.invocations.content import ContentBlock, MediaBlock, ThinkingBlock, ToolResult
from airegistry.invocations.usage import Usage
from airegistry.resources.endpoint import Communication, CustomFormat, Endpoint
from airegistry.resources.resource import Resource
from airegistry.resources.validation import validate
from tests.blocks import text, turn

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def asked(*messages, **fields):
    return ChatRequest(messages=messages or (turn(Role.USER, "Hi"),), **fields)


def at(path="", **communication):
    return Endpoint(address="http://tgi:80", communication=Communication(path=path, **communication))


def encoded(request, endpoint=None, *, stream=False):
    return TGIGenerate().encode(request, endpoint or at(), stream=stream)


def body(request, endpoint=None, **how):
    return json.loads(encoded(request, endpoint, **how).call.body)


def parameters(**fields):
    return body(asked(**fields))["parameters"]


def whole(answer, headers=None, **fields):
    return TGIGenerate().decode(asked(**fields), 200, headers or {}, json.dumps(answer).encode())


ALWAYS = {"details": True, "decoder_input_details": False, "return_full_text": False}


@pytest.mark.parametrize(
    ("path", "stream", "url", "flag"),
    [
        ("", False, "/generate", None),
        ("", True, "/generate_stream", None),
        ("/m/generate", True, "/m/generate_stream", None),
        ("/", True, "/", True),
        ("/", False, "/", False),
    ],
    ids=["whole", "stream", "declared", "one-path-stream", "one-path-whole"],
)
def test_where_it_is_asked(path, stream, url, flag):
    call = encoded(asked(), at(path), stream=stream).call
    assert call.url == f"http://tgi:80{url}"
    assert json.loads(call.body).get("stream") is flag


def test_one_text_of_the_user_is_the_prompt_as_it_stands():
    assert body(asked(turn(Role.USER, " Once <b>upon</b>", "a time "))) == {
        "inputs": " Once <b>upon</b>\na time ",
        "parameters": ALWAYS,
    }


@pytest.mark.parametrize(
    "messages",
    [
        (turn(Role.SYSTEM, "Be kind."), turn(Role.USER, "Hi")),
        (turn(Role.USER, "Hi"), turn(Role.ASSISTANT, "Ho"), turn(Role.USER, "Hi")),
        (turn(Role.ASSISTANT, "Ho"),),
    ],
    ids=["system", "conversation", "assistant"],
)
def test_a_conversation_without_a_chat_template_is_refused(messages):
    with pytest.raises(UnsupportedFieldError, match="chat template") as caught:
        encoded(asked(*messages))
    assert caught.value.violations[0].field == "chat.messages"


ZEPHYR = """\
{% for message in messages -%}
<|{{ message.role }}|>
{{ message.text }}</s>
{% endfor -%}
<|assistant|>
"""


def test_a_declared_chat_template_makes_the_prompt():
    endpoint = at(custom=CustomFormat(request_template=ZEPHYR))
    request = asked(turn(Role.SYSTEM, "Be <b>kind</b>."), turn(Role.USER, 'Say "Hi"'), turn(Role.ASSISTANT, "Hi"))
    assert body(request, endpoint)["inputs"] == (
        '<|system|>\nBe <b>kind</b>.</s>\n<|user|>\nSay "Hi"</s>\n<|assistant|>\nHi</s>\n<|assistant|>'
    )
    assert body(asked(), endpoint)["inputs"] == "<|user|>\nHi</s>\n<|assistant|>"


def test_a_template_that_does_not_take_a_conversation_is_no_fault_of_the_provider():
    endpoint = at(custom=CustomFormat(request_template="{{ messages[3].text }}"))
    with pytest.raises(UnsupportedFieldError, match="chat template"):
        encoded(asked(), endpoint)


@pytest.mark.parametrize(
    ("template", "roles", "taken"),
    [
        ("{{ prompt }}", (Role.USER,), True),
        ("{{ prompt }}", (Role.SYSTEM, Role.USER), False),
        ("{{ system }}: {{ prompt }}", (Role.SYSTEM, Role.USER), True),
        ("{{ system }}: {{ prompt }}", (Role.USER, Role.ASSISTANT, Role.USER), False),
        ("{% for turn in turns %}{{ turn.text }}{% endfor %}", (Role.USER, Role.ASSISTANT, Role.USER), True),
        ("{% for turn in turns %}{{ turn.text }}{% endfor %}", (Role.SYSTEM, Role.USER), False),
    ],
)
def test_a_template_that_leaves_turns_out_does_not_get_them(template, roles, taken):
    request, endpoint = asked(*(turn(role, "Hi") for role in roles)), at(custom=CustomFormat(request_template=template))
    if taken:
        assert "Hi" in body(request, endpoint)["inputs"]
    else:
        with pytest.raises(UnsupportedFieldError, match=r"chat\.messages"):
            encoded(request, endpoint)


def test_an_endpoint_declares_a_chat_template_and_nothing_else():
    def violations(custom):
        communication = Communication(dialect="tgi.generate", custom=custom)
        endpoint = Endpoint(provider="p", address="http://tgi:80", upstream_model="m", communication=communication)
        resource = Resource(name="models/m/endpoints/p", endpoint=endpoint)
        return [violation.field for violation in validate(resource, path="resource")]

    assert violations(CustomFormat(request_template=ZEPHYR)) == []
    where = "resource.endpoint.communication.custom"
    assert violations(CustomFormat(request_template=ZEPHYR, stream_end="x")) == [where]
    assert violations(CustomFormat(request_template="{{ eos_token }}")) == [f"{where}.request_template"]
    assert violations(CustomFormat(request_template="{% for i in range(9) %}x{% endfor %}")) == [
        f"{where}.request_template"
    ]


@pytest.mark.parametrize(
    ("block", "path"),
    [
        (ContentBlock(image=MediaBlock(url="https://example.com/a.png")), "chat.messages[0].content[1]"),
        (ContentBlock(tool_result=ToolResult("c", (text("x"),))), "chat.messages[0].content[1]"),
    ],
    ids=["image", "result"],
)
def test_what_is_no_text_is_refused_by_path(block, path):
    with pytest.raises(UnsupportedFieldError) as caught:
        encoded(asked(turn(Role.USER, "Look", block)))
    assert caught.value.violations[0].field == path


def test_parameters():
    assert parameters(
        max_output_tokens=9,
        temperature=0.5,
        top_p=0.75,
        top_k=4,
        seed=0,
        stop_sequences=("END",),
        frequency_penalty=0.5,
        top_logprobs=2,
        extra={"repetition_penalty": 1.1, "watermark": True},
    ) == {
        **ALWAYS,
        "max_new_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.75,
        "top_k": 4,
        "seed": 0,
        "stop": ["END"],
        "frequency_penalty": 0.5,
        "top_n_tokens": 2,
        "repetition_penalty": 1.1,
        "watermark": True,
    }


@pytest.mark.parametrize(
    ("fields", "wire"),
    [
        ({"temperature": 0.0, "top_p": 0.5, "top_k": 3}, {"do_sample": False}),
        ({"top_p": 0.0, "temperature": 1.0}, {"do_sample": False}),
        ({"top_p": 1.0, "temperature": 1.0}, {"temperature": 1.0}),
        ({}, {}),
    ],
    ids=["greedy", "no-nucleus", "whole-nucleus", "unsaid"],
)
def test_the_bounds_that_the_server_refuses_are_said_in_its_words(fields, wire):
    assert parameters(**fields) == {**ALWAYS, **wire}


def test_a_schema_is_a_grammar():
    form = ResponseFormat(ResponseFormatKind.JSON_SCHEMA, json_schema=SCHEMA, name="x")
    assert parameters(response_format=form)["grammar"] == {"type": "json", "value": SCHEMA}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"response_format": ResponseFormat(ResponseFormatKind.JSON_OBJECT)}, "chat.response_format"),
        ({"tools": (Tool("f"),)}, "chat.tools"),
        ({"choice_count": 2}, "chat.choice_count"),
        ({"seed": -1}, "chat.seed"),
        ({"output_modalities": ("audio",)}, "chat.output_modalities[0]"),
        ({"extra": {"max_new_tokens": 3}}, "chat.extra.max_new_tokens"),
    ],
    ids=["json", "tools", "choices", "seed", "audio", "extra"],
)
def test_what_cannot_be_asked_is_refused_by_path(fields, path):
    with pytest.raises(InvalidArgumentError) as caught:
        encoded(asked(**fields))
    assert caught.value.violations[0].field == path


def test_what_is_lost_is_named():
    request = asked(
        presence_penalty=0.5, user="u", reasoning=Reasoning(effort="low"), extra={"service_tier": "flex", "min_p": 0.1}
    )
    assert [warning.path for warning in encoded(request).warnings] == [
        "chat.presence_penalty",
        "chat.user",
        "chat.reasoning",
        "chat.extra.min_p",
        "chat.extra.service_tier",
    ]


def test_a_whole_answer_is_counted_by_a_header():
    details: dict[str, Any] = {"finish_reason": "length", "generated_tokens": 1, "prefill": []}
    answer = {"generated_text": "Ho", "details": details}
    assert whole(answer, {"x-prompt-tokens": "7"}).usage == Usage(input_tokens=7, output_tokens=1)
    assert whole(answer).usage == Usage(output_tokens=1)
    details["prefill"] = [{"id": 1, "text": "Hi"}, {"id": 2, "text": "!"}]
    assert whole(answer, {"x-prompt-tokens": "7"}).usage == Usage(input_tokens=2, output_tokens=1)


def test_an_answer_without_a_text_is_malformed():
    with pytest.raises(MalformedAnswerError, match="generated_text"):
        whole({"details": {"finish_reason": "length"}})


@pytest.mark.parametrize(
    ("status", "words", "kind", "cls"),
    [
        (429, "Model is overloaded", "overloaded", ProviderOverloadedError),
        (424, "Request failed during generation: Server error", "generation", ProviderFailedError),
        (500, "Incomplete generation", "incomplete_generation", ProviderFailedError),
        (422, "Input validation error: `temperature` must be strictly positive", "validation", ProviderRejectedError),
        (
            422,
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 1010 `inputs` tokens and 2000",
            "validation",
            ContextLengthError,
        ),
        (
            422,
            "Input validation error: `inputs` must have less than 1024 tokens. Given: 1500",
            "validation",
            ContextLengthError,
        ),
        (503, "unhealthy", "healthcheck", ProviderOverloadedError),
    ],
)
@pytest.mark.parametrize("inside", [False, True], ids=["status", "in-a-stream"])
def test_an_error_says_what_it_is(status, words, kind, cls, inside):
    said = json.dumps({"error": words, "error_type": kind}).encode()
    if not inside:
        assert type(TGIGenerate().error(status, {}, said)) is cls
        return
    decoder = TGIGenerate().decoder(asked())
    with pytest.raises(cls):
        decoder.feed(b"data:" + said + b"\n\n")


@given(
    st.lists(st.text("abX", min_size=1, max_size=3), max_size=3),
    st.lists(st.text("abX", max_size=4), max_size=6),
    st.booleans(),
)
def test_stop_sequences_come_off_the_end_and_nothing_else_does(sequences, pieces, stopped):
    stops = Stops(sequences)
    passed = "".join(map(stops.feed, pieces))
    rest, found = stops.close(stopped=stopped)
    assert passed + rest + found == "".join(pieces)
    assert found in (*sequences, "")
    if not stopped:
        assert found == ""
    elif any("".join(pieces).endswith(one) for one in sequences):
        assert found


@given(
    st.lists(st.text("abE", min_size=1, max_size=4), min_size=1, max_size=6),
    st.lists(st.text("abE", min_size=1, max_size=3), max_size=2),
    st.sampled_from(["eos_token", "length", "stop_sequence"]),
    st.data(),
)
def test_an_answer_is_the_same_streamed_or_not(tokens, stops, reason, data):
    request = asked(stop_sequences=tuple(stops))
    details = {
        "finish_reason": reason,
        "generated_tokens": len(tokens),
        "seed": data.draw(st.none() | st.integers(0, 9)),
    }
    text = "".join(tokens)
    body = json.dumps({"generated_text": text, "details": {**details, "prefill": [], "tokens": []}}).encode()
    events: list[dict[str, Any]] = [
        {"token": {"id": 1, "text": token, "logprob": -1.0, "special": False}} for token in tokens
    ]
    events[-1] |= {"generated_text": text, "details": details}
    wire = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    decoder, cut = TGIGenerate().decoder(request), data.draw(st.integers(0, len(wire)))
    items = [*decoder.feed(wire[:cut]), *decoder.feed(wire[cut:])]
    assert decoder.finished
    whole = TGIGenerate().decode(request, 200, {}, body)
    assert assemble([*items, *decoder.close()]) == (whole.output, whole.usage)


def test_text_goes_on_as_soon_as_it_is_no_stop_sequence():
    stops = Stops(("END",))
    assert [stops.feed(piece) for piece in ("On", "e E", "N", "TER", "E", "ND")] == ["On", "e ", "", "ENTER", "", ""]
    assert stops.close(stopped=True) == ("", "END")


def test_thoughts_are_no_part_of_a_prompt():
    blocks = (ContentBlock(thinking=ThinkingBlock("Hm.")), text("Hi"))
    assert body(asked(turn(Role.USER, *blocks)))["inputs"] == "Hi"
