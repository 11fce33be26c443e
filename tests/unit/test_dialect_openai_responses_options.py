"""The options of a conversation as a request of the Responses API: mapped, named or refused."""

import pytest

from airegistry.dialects.openai_responses.dialect import OpenAIResponses
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import (
    ChatRequest,
    Reasoning,
    ResponseFormat,
    ResponseFormatKind,
    Role,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock, ToolResult
from airegistry.invocations.embeddings import EmbeddingsRequest
from airegistry.resources.endpoint import Communication, Endpoint
from tests.responses_requests import ENDPOINT, FLAT, HELLO, SCHEMA, encode, said, text


def test_the_least_that_can_be_asked():
    body, warnings, call = encode(ChatRequest(messages=(HELLO,)))
    assert (call.method, call.url, call.headers["accept"]) == ("POST", "https://a/v1/responses", "application/json")
    assert body == {
        "model": "gpt-6",
        "input": [{"type": "message", "role": "user", "content": "Hello"}],
        "store": False,
    }
    assert warnings == []
    assert encode(ChatRequest(messages=(HELLO,)), stream=True)[0]["stream"] is True
    elsewhere = Endpoint(address="https://a", communication=Communication(path="/openai/v1/responses"))
    assert encode(ChatRequest(messages=(HELLO,)), elsewhere)[2].url == "https://a/openai/v1/responses"


def test_every_option_has_its_field():
    request = ChatRequest(
        messages=(HELLO,),
        max_output_tokens=16,
        temperature=0.5,
        top_p=0.9,
        tools=(Tool("go", "Goes.", SCHEMA, strict=True), Tool("stop")),
        tool_choice=ToolChoice(ToolChoiceMode.NAMED, "go"),
        parallel_tool_calls=False,
        response_format=ResponseFormat(ResponseFormatKind.JSON_SCHEMA, SCHEMA, "out", strict=True, description="d"),
        reasoning=Reasoning(effort="high", include_thoughts=True),
        top_logprobs=2,
        user="u",
        choice_count=1,
        output_modalities=("text",),
        extra={"metadata": {"a": "b"}, "service_tier": "flex", "safety_identifier": "s"},
    )
    body, warnings, _ = encode(request)
    assert warnings == []
    del body["input"]
    assert body == {
        "model": "gpt-6",
        "max_output_tokens": 16,
        "temperature": 0.5,
        "top_p": 0.9,
        "tools": [
            {"type": "function", "name": "go", "description": "Goes.", "parameters": SCHEMA, "strict": True},
            {"type": "function", "name": "stop", "parameters": {"type": "object", "properties": {}}, "strict": False},
        ],
        "tool_choice": {"type": "function", "name": "go"},
        "parallel_tool_calls": False,
        "text": {
            "format": {"type": "json_schema", "name": "out", "schema": SCHEMA, "strict": True, "description": "d"}
        },
        "reasoning": {"effort": "high", "summary": "auto"},
        "top_logprobs": 2,
        "user": "u",
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "store": False,
        "metadata": {"a": "b"},
        "service_tier": "flex",
        "safety_identifier": "s",
    }


@pytest.mark.parametrize(
    ("mode", "word"),
    [(ToolChoiceMode.AUTO, "auto"), (ToolChoiceMode.NONE, "none"), (ToolChoiceMode.REQUIRED, "required")],
)
def test_whether_to_call_a_tool_is_a_word(mode, word):
    assert encode(ChatRequest(messages=(HELLO,), tool_choice=ToolChoice(mode)))[0]["tool_choice"] == word


@pytest.mark.parametrize(
    ("kind", "word"), [(ResponseFormatKind.TEXT, "text"), (ResponseFormatKind.JSON_OBJECT, "json_object")]
)
def test_a_form_without_a_schema_is_a_word(kind, word):
    body, _, _ = encode(ChatRequest(messages=(HELLO,), response_format=ResponseFormat(kind)))
    assert body["text"] == {"format": {"type": word}}


@pytest.mark.parametrize(
    ("reasoning", "include"),
    [
        (None, None),
        (Reasoning(), None),
        (Reasoning(effort="none"), None),
        (Reasoning(effort="low"), ["reasoning.encrypted_content"]),
        (Reasoning(include_thoughts=True), ["reasoning.encrypted_content"]),
    ],
    ids=["nothing", "empty", "no-effort", "effort", "thoughts"],
)
def test_thoughts_are_asked_for_only_of_those_who_think(reasoning, include):
    assert encode(ChatRequest(messages=(HELLO,), reasoning=reasoning))[0].get("include") == include


@pytest.mark.parametrize(
    ("facts", "path"),
    [
        ({"seed": 1}, "chat.seed"),
        ({"max_output_tokens": 15}, "chat.max_output_tokens"),
        ({"presence_penalty": 1.0}, "chat.presence_penalty"),
        ({"frequency_penalty": 1.0}, "chat.frequency_penalty"),
        ({"top_k": 5}, "chat.top_k"),
        ({"reasoning": Reasoning(max_tokens=5)}, "chat.reasoning.max_tokens"),
        ({"tools": (Tool("go", cache_control="1h"),)}, "chat.tools[0].cache_control"),
        ({"messages": (said("x", name="Ann"),)}, "chat.messages[0].name"),
        (
            {"messages": (said(ContentBlock(text=TextBlock("x"), cache_control="1h")),)},
            "chat.messages[0].content[0].cache_control",
        ),
        ({"messages": (said(text("x", FLAT)),)}, "chat.messages[0].content[0].text.annotations"),
        (
            {"messages": (said(ContentBlock(tool_result=ToolResult("c", (text("x"),), is_error=True))),)},
            "chat.messages[0].content[0].tool_result.is_error",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_no_place_is_named(facts, path):
    assert encode(ChatRequest(**{"messages": (HELLO,)} | facts))[1] == [path]


@pytest.mark.parametrize(
    ("facts", "path"),
    [
        ({"choice_count": 2}, "chat.choice_count"),
        ({"stop_sequences": ("x",)}, "chat.stop_sequences"),
        ({"output_modalities": ("text", "audio")}, "chat.output_modalities"),
        ({"messages": (said(ContentBlock(video=MediaBlock(url="https://b"))),)}, "chat.messages[0].content[0].video"),
        ({"messages": (said(ContentBlock(audio=MediaBlock(url="https://b"))),)}, "chat.messages[0].content[0].audio"),
        (
            {"messages": (said(ContentBlock(image=MediaBlock(url="https://b")), role=Role.ASSISTANT),)},
            "chat.messages[0].content[0]",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_change_the_answer_is_refused(facts, path):
    with pytest.raises(UnsupportedFieldError) as refused:
        encode(ChatRequest(**{"messages": (HELLO,)} | facts))
    assert [violation.field for violation in refused.value.violations] == [path]


def test_no_limit_is_sent_that_the_api_refuses():
    assert encode(ChatRequest(messages=(HELLO,), max_output_tokens=1))[0]["max_output_tokens"] == 16


def test_extra_adds_to_what_the_request_says_of_the_same():
    form = ResponseFormat(ResponseFormatKind.TEXT)
    extra = {"tools": [{"type": "web_search"}], "text": {"verbosity": "low"}, "store": True, "include": ["x"]}
    request = ChatRequest(messages=(HELLO,), tools=(Tool("go"),), response_format=form, top_logprobs=0, extra=extra)
    body, _, _ = encode(request)
    assert [tool["type"] for tool in body["tools"]] == ["function", "web_search"]
    assert body["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert body["include"] == ["message.output_text.logprobs", "x"]
    assert body["store"] is True


@pytest.mark.parametrize(
    "extra", [{"model": "x"}, {"input": "x"}, {"temperature": 1}, {"text": {"format": {}}}, {"text": 1}]
)
def test_extra_cannot_contradict_the_request(extra):
    form = ResponseFormat(ResponseFormatKind.TEXT)
    with pytest.raises(InvalidArgumentError, match=r"chat\.extra\."):
        encode(ChatRequest(messages=(HELLO,), response_format=form, extra=extra))


def test_other_kinds_are_refused():
    dialect = OpenAIResponses()
    assert dialect.speaks(ChatRequest())
    assert not dialect.speaks(EmbeddingsRequest())
    with pytest.raises(UnsupportedFieldError):
        dialect.encode(EmbeddingsRequest(), ENDPOINT, stream=False)
    with pytest.raises(UnsupportedFieldError):
        dialect.decoder(EmbeddingsRequest())
