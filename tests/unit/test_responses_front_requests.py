"""What callers of the Responses API write, in canonical form."""

import base64

import orjson
import pytest

from airegistry.errors import InvalidArgumentError
from airegistry.invocations.chat import (
    Message,
    Reasoning,
    ResponseFormat,
    ResponseFormatKind,
    Role,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from airegistry.invocations.content import (
    ContentBlock,
    MediaBlock,
    RefusalBlock,
    TextBlock,
    ThinkingBlock,
    ToolCall,
    ToolResult,
)
from gateway.fronts.openai_responses.requests import read_responses
from tests.blocks import text

SCHEMA = {"type": "object"}
PNG = base64.b64encode(b"\x89P").decode()


def read(**fields):
    return read_responses(orjson.dumps({"model": "m", "input": "Hi", **fields}))


def turns(*items):
    return read(input=list(items)).request.messages


def test_a_text_is_a_turn_of_the_users():
    call = read(instructions="Be brief.")
    assert (call.model, call.stream, call.untranslatable, call.warnings) == ("m", False, (), ())
    assert call.request.messages == (Message(Role.SYSTEM, (text("Be brief."),)), Message(Role.USER, (text("Hi"),)))


def test_every_option_has_its_canonical_field():
    request = read(
        stream=True,
        max_output_tokens=5,
        temperature=0.5,
        top_p=0.9,
        tools=[{"type": "function", "name": "go", "description": "Goes.", "parameters": SCHEMA, "strict": True}],
        tool_choice={"type": "function", "name": "go"},
        parallel_tool_calls=False,
        text={"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True, "description": "d"}},
        reasoning={"effort": "high", "summary": "auto"},
        top_logprobs=3,
        user="u",
        service_tier="flex",
        truncation="auto",
        metadata={"a": "b"},
        include=["reasoning.encrypted_content"],
        stream_options={"include_obfuscation": False},
        background=False,
        store=False,
    ).request
    assert request.max_output_tokens == 5
    assert (request.temperature, request.top_p) == (0.5, 0.9)
    assert request.tools == (Tool("go", "Goes.", SCHEMA, strict=True),)
    assert request.tool_choice == ToolChoice(ToolChoiceMode.NAMED, "go")
    assert request.parallel_tool_calls is False
    assert request.response_format == ResponseFormat(
        ResponseFormatKind.JSON_SCHEMA, SCHEMA, "n", strict=True, description="d"
    )
    assert request.reasoning == Reasoning(effort="high", include_thoughts=True)
    assert (request.top_logprobs, request.user) == (3, "u")
    assert request.extra == {"service_tier": "flex", "truncation": "auto"}


def test_probabilities_are_asked_for_in_two_ways():
    assert read(include=["message.output_text.logprobs"]).request.top_logprobs == 0
    assert read(include=["message.output_text.logprobs"], top_logprobs=2).request.top_logprobs == 2
    assert read().request.top_logprobs is None


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"type": "input_text", "text": "a"}, text("a")),
        (
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
            ContentBlock(text=TextBlock("a"), cache_control="ephemeral"),
        ),
        (
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
            ContentBlock(text=TextBlock("a"), cache_control="1h"),
        ),
        (
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "low"},
            ContentBlock(image=MediaBlock(data=b"\x89P", media_type="image/png", detail="low")),
        ),
        ({"type": "input_image", "file_id": "f"}, ContentBlock(image=MediaBlock(file_id="f"))),
        (
            {"type": "input_audio", "input_audio": {"data": "eA==", "format": "mp3"}},
            ContentBlock(audio=MediaBlock(data=b"x", media_type="audio/mpeg")),
        ),
        ({"type": "input_file", "file_url": "https://a"}, ContentBlock(file=MediaBlock(url="https://a"))),
        ({"type": "input_file", "file_id": "f"}, ContentBlock(file=MediaBlock(file_id="f"))),
        (
            {"type": "input_file", "file_data": "eA==", "filename": "a.pdf"},
            ContentBlock(file=MediaBlock(data=b"x", media_type="application/pdf", filename="a.pdf")),
        ),
    ],
)
def test_parts_are_blocks(part, block):
    assert turns({"role": "user", "content": [part]}) == (Message(Role.USER, (block,)),)
    if block.audio is None and not block.cache_control:
        result = {"type": "function_call_output", "call_id": "c", "output": [part]}
        assert turns(result) == (Message(Role.TOOL, (ContentBlock(tool_result=ToolResult("c", (block,))),)),)


def test_what_an_answer_was_made_of_is_one_turn():
    annotation = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 1}
    answer = [
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}], "encrypted_content": "sig"},
        {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "Hi", "annotations": [annotation], "logprobs": []},
            {"type": "refusal", "refusal": "No"},
        ]},
        {"type": "function_call", "id": "f", "call_id": "c", "name": "go", "arguments": "{}", "status": "completed"},
    ]  # fmt: skip
    call = read(input=[*answer, {"type": "function_call_output", "call_id": "c", "output": "3"}])
    assert call.warnings == ()
    assert call.request.messages == (
        Message(
            Role.ASSISTANT,
            (
                ContentBlock(thinking=ThinkingBlock("a\n\nb", "openai.responses:sig")),
                ContentBlock(text=TextBlock("Hi", (annotation,))),
                ContentBlock(refusal=RefusalBlock("No")),
                ContentBlock(tool_call=ToolCall("c", "go", "{}")),
            ),
        ),
        Message(Role.TOOL, (ContentBlock(tool_result=ToolResult("c", (text("3"),))),)),
    )


def test_thoughts_in_the_open_and_their_summary_are_kept_apart():
    item = {
        "type": "reasoning",
        "id": "r",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Long."}],
        "encrypted_content": "sig",
    }
    assert [block.thinking for block in turns(item)[0].content] == [
        ThinkingBlock("", "openai.responses:sig"),
        ThinkingBlock("Long."),
    ]


def test_what_only_the_same_format_can_do_is_never_written_anew():
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "airegistry:EqQBCk"}
    assert read(input=[thought]).rewrite
    assert not read(input=[thought], previous_response_id="r").rewrite


def test_turns_of_others_stay_apart():
    messages = turns(
        {"role": "user", "content": "a"}, {"role": "user", "content": "b"}, {"role": "developer", "content": "c"}
    )
    assert [message.role for message in messages] == [Role.USER, Role.USER, Role.SYSTEM]


def test_what_nobody_knows_is_named():
    call = read(
        input=[{"role": "assistant", "content": "x", "phase": "commentary"}],
        text={"verbosity": "low"},
        reasoning={"mode": "pro"},
        tools=[{"type": "function", "name": "go", "defer_loading": True}],
    )
    assert sorted(warning.path for warning in call.warnings) == [
        "input[0].phase",
        "reasoning.mode",
        "text.verbosity",
        "tools[0].defer_loading",
    ]


def test_what_refers_to_state_or_to_tools_of_the_providers_is_for_the_same_format_only():
    call = read(
        previous_response_id="r",
        store=True,
        tools=[{"type": "web_search", "odd": {"a": 1}}, {"type": "function", "name": "go"}],
        tool_choice={"type": "file_search", "odd": 1},
        input=[{"role": "user", "content": "x"}, {"type": "web_search_call", "id": "w", "action": {"a": 1}}],
    )
    assert [violation.field for violation in call.untranslatable] == [
        "previous_response_id",
        "store",
        "input[1].type",
        "tools[0].type",
        "tool_choice.type",
    ]
    assert call.warnings == ()
    assert call.request.tools == (Tool("go"),)


@pytest.mark.parametrize("name", ["metadata", "reasoning", "tools"])
def test_what_could_not_be_said_back_is_refused_before_anybody_is_asked(name):
    nested = b'{"a":' * 300 + b"1" + b"}" * 300
    body = b'{"model":"m","input":"Hi","' + name.encode() + b'":' + nested + b"}"
    with pytest.raises(InvalidArgumentError, match=f"^{name}: is nested too deeply$"):
        read_responses(body)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"model": ""}, "model"),
        ({"input": 3}, "input"),
        ({"input": ["x"]}, r"input\[0\]"),
        ({"input": [{"role": "user"}]}, r"input\[0\].content"),
        ({"input": [{"role": "user", "content": 3}]}, r"input\[0\].content"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, r"input\[0\].content\[0\].text"),
        ({"input": [{"type": "function_call", "name": "go"}]}, r"input\[0\].call_id"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, r"input\[0\].output"),
        ({"tools": [{"name": "go"}]}, r"tools\[0\].type"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
        ({"include": [3]}, r"include\[0\]"),
        ({"metadata": []}, "metadata"),
        ({"temperature": "hot"}, "temperature"),
    ],
)
def test_what_is_wrong_is_named(fields, path):
    with pytest.raises(InvalidArgumentError, match=f"^{path}: "):
        read(**fields)


@pytest.mark.parametrize(
    ("canonical", "name"),
    [
        ("invocation.chat.messages[0].content[0].text", "instructions"),
        ("chat.messages[1].content[1].image.url", "input[0].content[1]"),
        ("chat.messages[2].content[0].tool_call.name", "input[1]"),
        ("chat.messages[2]", "input[1]"),
        ("chat.messages[9].role", "input"),
        ("chat.messages", "input"),
        ("chat.tools[0].name", "tools[1].name"),
        ("chat.response_format.json_schema", "text.format.json_schema"),
        ("chat.max_output_tokens", "max_output_tokens"),
        ("chat.reasoning.effort", "reasoning.effort"),
        ("invocation.model", "invocation.model"),
        ("previous_response_id", "previous_response_id"),
    ],
)
def test_canonical_fields_have_the_callers_names(canonical, name):
    call = read(
        instructions="x",
        tools=[{"type": "web_search"}, {"type": "function", "name": "go"}],
        input=[
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "b"}],
            },
            {"type": "function_call", "call_id": "c", "name": "go", "arguments": ""},
        ],
    )
    assert call.words.name(canonical) == name
