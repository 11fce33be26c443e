"""The rules that the protos state for what is invoked, each named by its path."""

import dataclasses
import math

import pytest

from airegistry.invocations.chat import (
    ChatRequest,
    Message,
    Reasoning,
    ResponseFormat,
    ResponseFormatKind,
    Role,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock, ThinkingBlock, ToolCall, ToolResult
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest, TokenIds
from airegistry.invocations.invocation import Invocation
from airegistry.invocations.kinds import AgentTaskRequest, ImageRequest, RawRequest, RerankRequest
from airegistry.invocations.validation import validate, validate_input
from airegistry.resources.requirements import DiscoverQuery

TEXT = ContentBlock(text=TextBlock("hi"))
USER = Message(Role.USER, (TEXT,))
CHAT = ChatRequest((USER,))
SCHEMA = ResponseFormatKind.JSON_SCHEMA


def fields_of(violations):
    return [violation.field for violation in violations]


def chat(**fields):
    return dataclasses.replace(CHAT, **fields)


def saying(*blocks):
    return chat(messages=(Message(Role.USER, blocks),))


@pytest.mark.parametrize(
    "request_",
    [
        CHAT,
        chat(temperature=2, top_p=0.0, seed=-5, choice_count=16, top_logprobs=0, stop_sequences=("x",) * 16),
        chat(tools=(Tool("f"), Tool("g")), tool_choice=ToolChoice(ToolChoiceMode.NAMED, "g")),
        chat(response_format=ResponseFormat(SCHEMA, {}), reasoning=Reasoning("xhigh", 0)),
        chat(messages=(USER, Message(Role.ASSISTANT))),
        saying(ContentBlock(image=MediaBlock(url="data:image/png;base64,AA=="))),
        EmbeddingsRequest((EmbeddingInput(text="a"), EmbeddingInput(token_ids=TokenIds((1,)))), purpose="query"),
        RerankRequest("q", ("d",)),
        ImageRequest("a cat"),
        RawRequest("openai.chat"),
        AgentTaskRequest((TEXT,)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_keeps_the_rules_passes(request_):
    assert validate_input(request_, path="x") == []


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (chat(messages=()), "messages"),
        (chat(messages=(Message(None, (TEXT,)),)), "messages[0].role"),
        (chat(messages=(USER, Message(Role.USER))), "messages[1].content"),
        (chat(max_output_tokens=0), "max_output_tokens"),
        (chat(max_output_tokens=2**31), "max_output_tokens"),
        (chat(temperature=2.1), "temperature"),
        (chat(temperature=math.nan), "temperature"),
        (chat(top_p=-0.1), "top_p"),
        (chat(top_p=1.1), "top_p"),
        (chat(top_k=0), "top_k"),
        (chat(stop_sequences=("x",) * 17), "stop_sequences"),
        (chat(stop_sequences=("",)), "stop_sequences[0]"),
        (chat(tools=tuple(Tool(f"t{i}") for i in range(1025))), "tools"),
        (chat(tools=(Tool("a" * 129),)), "tools[0].name"),
        (chat(tools=(Tool("f", cache_control="2h"),)), "tools[0].cache_control"),
        (chat(tools=(Tool("a b"),)), "tools[0].name"),
        (chat(tools=(Tool("a"), Tool("a"))), "tools[1].name"),
        (chat(tool_choice=ToolChoice(ToolChoiceMode.NAMED, "x")), "tool_choice.name"),
        (chat(tool_choice=ToolChoice(ToolChoiceMode.AUTO, "x")), "tool_choice.name"),
        (chat(response_format=ResponseFormat(SCHEMA)), "response_format.json_schema"),
        (chat(response_format=ResponseFormat(None, {})), "response_format.json_schema"),
        (chat(reasoning=Reasoning("hard")), "reasoning.effort"),
        (chat(reasoning=Reasoning(max_tokens=-1)), "reasoning.max_tokens"),
        (chat(choice_count=17), "choice_count"),
        (chat(presence_penalty=-3), "presence_penalty"),
        (chat(frequency_penalty=math.inf), "frequency_penalty"),
        (chat(top_logprobs=-1), "top_logprobs"),
        (saying(ContentBlock()), "messages[0].content[0]"),
        (saying(ContentBlock(text=TextBlock(), thinking=ThinkingBlock())), "messages[0].content[0]"),
        (saying(dataclasses.replace(TEXT, cache_control="2h")), "messages[0].content[0].cache_control"),
        (saying(TEXT, ContentBlock(image=MediaBlock())), "messages[0].content[1].image"),
        (
            saying(ContentBlock(image=MediaBlock(data=b"x", url="https://a", media_type="a/b"))),
            "messages[0].content[0].image",
        ),
        (saying(ContentBlock(file=MediaBlock(data=b"x"))), "messages[0].content[0].file.media_type"),
        (saying(ContentBlock(image=MediaBlock(url="cat.png"))), "messages[0].content[0].image.url"),
        (saying(ContentBlock(file=MediaBlock(file_id=""))), "messages[0].content[0].file.file_id"),
        (saying(ContentBlock(tool_call=ToolCall("", "f"))), "messages[0].content[0].tool_call.id"),
        (saying(ContentBlock(tool_call=ToolCall("c", ""))), "messages[0].content[0].tool_call.name"),
        (saying(ContentBlock(tool_result=ToolResult())), "messages[0].content[0].tool_result.tool_call_id"),
        (
            saying(ContentBlock(tool_result=ToolResult("c", (ContentBlock(thinking=ThinkingBlock()),)))),
            "messages[0].content[0].tool_result.content[0]",
        ),
        (EmbeddingsRequest(), "inputs"),
        (EmbeddingsRequest((EmbeddingInput(text="a"),) * 2049), "inputs"),
        (EmbeddingsRequest((EmbeddingInput(),)), "inputs[0]"),
        (EmbeddingsRequest((EmbeddingInput(text=""),)), "inputs[0].text"),
        (EmbeddingsRequest((EmbeddingInput(token_ids=TokenIds()),)), "inputs[0].token_ids.ids"),
        (EmbeddingsRequest((EmbeddingInput(text="a"),), dimensions=0), "dimensions"),
        (EmbeddingsRequest((EmbeddingInput(text="a"),), purpose="fun"), "purpose"),
        (RerankRequest("", ("d",)), "query"),
        (RerankRequest("q"), "documents"),
        (ImageRequest(""), "prompt"),
        (ImageRequest("x", count=11), "count"),
        (RawRequest(), "dialect"),
        (AgentTaskRequest(), "content"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_breaks_a_rule_is_named(request_, field):
    assert fields_of(validate_input(request_, path="invocation.x")) == [f"invocation.x.{field}"]


@pytest.mark.parametrize(
    ("invocation", "fields"),
    [
        (Invocation(model="m", chat=CHAT), []),
        (Invocation(query=DiscoverQuery(), chat=CHAT), []),
        (Invocation(chat=CHAT), ["invocation.model"]),
        (Invocation(model="m", query=DiscoverQuery(), chat=CHAT), ["invocation.model"]),
        (Invocation(model="m"), ["invocation.input"]),
        (Invocation(model="m", chat=CHAT, raw=RawRequest("x")), ["invocation.input"]),
        (Invocation(model="m", chat=ChatRequest()), ["invocation.chat.messages"]),
        (Invocation(model="m", chat=CHAT, labels={f"l{i}": "" for i in range(17)}), ["invocation.labels"]),
    ],
    ids=["by-model", "by-query", "by-nothing", "by-both", "no-input", "two-inputs", "bad-input", "labels"],
)
def test_an_invocation_has_one_target_and_one_input(invocation, fields):
    assert fields_of(validate(invocation)) == fields


def test_all_violations_come_at_once():
    request = ChatRequest((), temperature=9, top_k=0)
    assert fields_of(validate_input(request, path="c")) == ["c.messages", "c.temperature", "c.top_k"]
