"""What an Ollama request means."""

import base64
import json

import pytest

from airegistry.dialects.ollama.relays import OwnWords
from airegistry.errors import InvalidArgumentError
from airegistry.invocations.chat import Message, Reasoning, ResponseFormat, ResponseFormatKind, Role, Tool
from airegistry.invocations.content import ContentBlock, MediaBlock, ThinkingBlock, ToolCall, ToolResult
from airegistry.invocations.embeddings import EmbeddingInput
from gateway.fronts.ollama.requests import native_error, read_chat, read_embed, read_embeddings, read_generate
from tests.blocks import text

PNG = b"\x89PNG\r\n\x1a\n0000"
SCHEMA = {"type": "object"}


def chat(*messages, **fields):
    given = messages or ({"role": "user", "content": "Hi"},)
    return read_chat(json.dumps({"model": "m", "messages": given, **fields}).encode())


def generate(**fields):
    return read_generate(json.dumps({"model": "m", **fields}).encode())


def turns(*messages):
    return chat(*messages).request.messages


def lost(call):
    return [warning.path for warning in call.warnings]


def nested(depth):
    return {"a": nested(depth - 1)} if depth else 1


def field_of(call, *arguments, **fields):
    with pytest.raises(InvalidArgumentError) as caught:
        call(*arguments, **fields)
    return caught.value.violations[0].field


def test_a_stream_is_asked_for_by_saying_nothing():
    assert chat().stream
    assert chat(stream=True).stream
    assert not chat(stream=False).stream
    assert generate(prompt="Hi").stream


def test_turns_of_every_role():
    assert turns(
        {"role": "system", "content": "Be kind."},
        {"role": "User", "content": "What?", "images": [base64.b64encode(PNG).decode()]},
        {"role": "assistant", "content": "Ho", "thinking": "Hm."},
        {"role": "assistant", "content": ""},
    ) == (
        Message(Role.SYSTEM, (text("Be kind."),)),
        Message(Role.USER, (text("What?"), ContentBlock(image=MediaBlock(data=PNG, media_type="image/png")))),
        Message(Role.ASSISTANT, (ContentBlock(thinking=ThinkingBlock("Hm.")), text("Ho"))),
        Message(Role.ASSISTANT),
    )


def test_calls_get_ids_and_results_find_them_by_the_tools_name():
    def call(name, **arguments):
        return {"function": {"name": name, "arguments": arguments}}

    def result(words, **said):
        return {"role": "tool", "content": words, **said}

    _, first, *results = turns(
        {"role": "user", "content": "Go"},
        {"role": "assistant", "tool_calls": [call("a", x=1), call("b"), call("a", x=2)]},
        result("two", tool_name="b"),
        result("one", tool_name="a"),
        result("three", tool_name="a"),
    )
    assert first == Message(
        Role.ASSISTANT,
        (
            ContentBlock(tool_call=ToolCall("call_1_0", "a", '{"x":1}')),
            ContentBlock(tool_call=ToolCall("call_1_1", "b", "{}")),
            ContentBlock(tool_call=ToolCall("call_1_2", "a", '{"x":2}')),
        ),
    )
    assert [message.content[0].tool_result for message in results] == [
        ToolResult("call_1_1", (text("two"),)),
        ToolResult("call_1_0", (text("one"),)),
        ToolResult("call_1_2", (text("three"),)),
    ]


def test_ids_that_are_given_are_kept():
    _, asked, told = turns(
        {"role": "user", "content": "Go"},
        {"role": "assistant", "tool_calls": [{"id": "mine", "function": {"name": "a", "arguments": {}}}]},
        {"role": "tool", "tool_call_id": "mine", "content": "ok"},
    )
    assert asked.content[0].tool_call == ToolCall("mine", "a", "{}")
    assert told.content[0].tool_result == ToolResult("mine", (text("ok"),))


def test_a_result_without_a_name_is_of_the_oldest_call():
    *_, told = turns(
        {"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": {}}}]},
        {"role": "tool", "content": "ok"},
    )
    assert told.content[0].tool_result == ToolResult("call_0_0", (text("ok"),))


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"role": "bot", "content": "x"}, "messages[0].role"),
        ({"content": "x"}, "messages[0].role"),
        ({"role": "user", "content": 3}, "messages[0].content"),
        ({"role": "user", "content": "x", "images": ["%"]}, "messages[0].images[0]"),
        ({"role": "user", "content": "x", "images": [base64.b64encode(b"text").decode()]}, "messages[0].images[0]"),
        (
            {"role": "assistant", "tool_calls": [{"function": {"arguments": {}}}]},
            "messages[0].tool_calls[0].function.name",
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": "{}"}}]},
            "messages[0].tool_calls[0].function.arguments",
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": {"x": nested(300)}}}]},
            "messages[0].tool_calls[0].function.arguments",
        ),
        ({"role": "tool", "content": "x", "tool_name": "a"}, "messages[0].tool_name"),
    ],
    ids=["role", "no-role", "content", "base64", "no-image", "no-name", "arguments", "deep", "result"],
)
def test_a_message_that_is_wrong_is_named(message, path):
    assert field_of(chat, message) == path


def test_options():
    request = chat(
        options={
            "num_predict": 100.0,
            "temperature": 0,
            "top_p": 0.5,
            "top_k": 40,
            "seed": 12345678901234567,
            "stop": ["a"],
            "presence_penalty": 0.5,
            "frequency_penalty": 0.25,
        }
    ).request
    assert request.max_output_tokens == 100
    assert (request.temperature, request.top_p, request.top_k) == (0.0, 0.5, 40)
    assert request.seed == 12345678901234567
    assert request.stop_sequences == ("a",)
    assert (request.presence_penalty, request.frequency_penalty) == (0.5, 0.25)


def test_values_that_mean_nothing_are_left_out():
    request = chat(options={"num_predict": -1, "top_k": 0, "seed": -1}).request
    assert (request.max_output_tokens, request.top_k, request.seed) == (None, None, None)
    assert chat(options={"num_predict": -2}).request.max_output_tokens is None


@pytest.mark.parametrize(
    ("form", "read"),
    [
        ("", None),
        (None, None),
        ("json", ResponseFormat(ResponseFormatKind.JSON_OBJECT)),
        (SCHEMA, ResponseFormat(ResponseFormatKind.JSON_SCHEMA, json_schema=SCHEMA)),
    ],
    ids=["empty", "null", "json", "schema"],
)
def test_the_form_of_the_answer(form, read):
    assert chat(format=form).request.response_format == read


@pytest.mark.parametrize(
    ("think", "read"),
    [
        (None, None),
        (True, Reasoning("medium", include_thoughts=True)),
        (False, Reasoning("none")),
        ("high", Reasoning("high", include_thoughts=True)),
    ],
    ids=["unsaid", "on", "off", "level"],
)
def test_thinking(think, read):
    assert chat(think=think).request.reasoning == read


def test_tools():
    function = {"name": "f", "description": "Does.", "parameters": SCHEMA}
    assert chat(tools=[{"type": "function", "function": function}]).request.tools == (Tool("f", "Does.", SCHEMA),)
    assert chat(tools=[{"function": {"name": "f"}}]).request.tools == (Tool("f"),)


@pytest.mark.parametrize(
    ("fields", "read"),
    [({}, None), ({"logprobs": True}, 0), ({"logprobs": True, "top_logprobs": 3}, 3), ({"top_logprobs": 3}, None)],
)
def test_logprobs(fields, read):
    assert chat(**fields).request.top_logprobs == read


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"format": 3}, "format"),
        ({"format": "yaml"}, "format"),
        ({"think": "very"}, "think"),
        ({"think": 3}, "think"),
        ({"options": {"num_predict": 1.5}}, "options.num_predict"),
        ({"options": {"stop": [1]}}, "options.stop[0]"),
        ({"options": []}, "options"),
        ({"stream": "no"}, "stream"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0].type"),
        ({"model": ""}, "model"),
    ],
)
def test_a_field_that_is_wrong_is_named(fields, path):
    assert field_of(chat, **fields) == path


def test_what_has_no_place_elsewhere_is_named():
    call = chat(
        {"role": "user", "content": "Hi", "mood": "calm"},
        keep_alive="5m",
        truncate=False,
        options={"num_ctx": 4096, "temperature": 1},
        later=1,
        tools=[{"type": "function", "function": {"name": "f", "strict": True}}],
    )
    assert lost(call) == [
        "keep_alive",
        "truncate",
        "later",
        "messages[0].mood",
        "tools[0].function.strict",
        "options.num_ctx",
    ]


def test_a_prompt_is_a_turn_of_the_user():
    call = generate(prompt="Hi", system="Be kind.", images=[base64.b64encode(PNG).decode()], options={"top_k": 3})
    assert call.request.messages == (
        Message(Role.SYSTEM, (text("Be kind."),)),
        Message(Role.USER, (text("Hi"), ContentBlock(image=MediaBlock(data=PNG, media_type="image/png")))),
    )
    assert call.request.top_k == 3
    assert call.native == ()


def test_fields_that_say_nothing_ask_for_nothing():
    # The SDKs of some languages send every field.
    call = generate(prompt="Hi", suffix="", template="", context=[], raw=False, system="")
    assert call.request.messages == (Message(Role.USER, (text("Hi"),)),)


def test_what_only_an_ollama_does_is_kept_as_it_is():
    call = generate(prompt="Hi", suffix="x", raw=True)
    assert isinstance(call.request, OwnWords)
    assert call.native == ("raw", "suffix")
    assert [violation.field for violation in native_error(call).violations] == ["raw", "suffix"]


@pytest.mark.parametrize(
    ("keep", "unloads"),
    [(None, False), (0, True), ("0", True), ("0s", True), ("0.0m", True), ("10m", False), (-1, False)],
)
def test_nothing_asked_is_to_load_or_to_unload(keep, unloads):
    for call in (read_chat(json.dumps({"model": "m", "keep_alive": keep}).encode()), generate(keep_alive=keep)):
        assert call.loads
        assert call.unloads is unloads
        assert not call.stream


def test_texts_to_embed():
    def read(**fields):
        return read_embed(json.dumps({"model": "m", **fields}).encode())

    both = read(input=["a", "b"], dimensions=8, truncate=False, keep_alive=0)
    assert both.request is not None
    assert both.request.inputs == (EmbeddingInput(text="a"), EmbeddingInput(text="b"))
    assert both.request.dimensions == 8
    assert lost(both) == ["keep_alive", "truncate"]
    one = read(input="a", dimensions=0).request
    assert one is not None
    assert (one.inputs, one.dimensions) == ((EmbeddingInput(text="a"),), None)
    assert read(input=[]).request is None
    assert read(input="").request is None
    assert field_of(read, input={}) == "input"
    assert field_of(read, input=["a", 3]) == "input[1]"


def test_one_text_to_embed_in_the_older_form():
    call = read_embeddings(b'{"model":"m","prompt":"a"}')
    assert call.request is not None
    assert call.request.inputs == (EmbeddingInput(text="a"),)
    assert read_embeddings(b'{"model":"m"}').request is None
