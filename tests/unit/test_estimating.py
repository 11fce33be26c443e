"""A rule of thumb for the tokens of a conversation: it grows with what is said, and forgets nothing."""

import dataclasses

import pytest

from airegistry.invocations.chat import ChatRequest, Message, ResponseFormat, ResponseFormatKind, Role, Tool
from airegistry.invocations.content import (
    ContentBlock,
    MediaBlock,
    RefusalBlock,
    TextBlock,
    ThinkingBlock,
    ToolCall,
    ToolResult,
)
from airegistry.invocations.estimating import estimated_tokens

TEXT = ContentBlock(text=TextBlock("x" * 400))


def asked(*blocks, **fields):
    return ChatRequest((Message(Role.USER, blocks),), **fields)


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        (TEXT, 100),
        (ContentBlock(text=TextBlock("東" * 400)), 300),
        (ContentBlock(refusal=RefusalBlock("x" * 8)), 2),
        (ContentBlock(thinking=ThinkingBlock("x" * 8)), 2),
        (ContentBlock(tool_call=ToolCall("i", "ffff", '{"a":1}')), 3),
        (ContentBlock(tool_result=ToolResult("i", (TEXT, TEXT))), 200),
        (ContentBlock(image=MediaBlock(b"x", media_type="image/png")), 1600),
        (ContentBlock(file=MediaBlock(b"x" * 400, media_type="text/plain")), 100),
        (ContentBlock(file=MediaBlock(b"x" * 64_000, media_type="application/pdf")), 2000),
        (ContentBlock(file=MediaBlock(url="https://x")), 1600),
    ],
    ids=["text", "japanese", "refusal", "thought", "call", "result", "image", "words", "pdf", "unknown-size"],
)
def test_every_block_counts(block, tokens):
    assert estimated_tokens(asked(block)) == 4 + tokens


def test_tools_and_schemas_count():
    plain = estimated_tokens(asked(TEXT))
    tool = Tool("f" * 4, "d" * 396, {"type": "object"})
    assert estimated_tokens(asked(TEXT, tools=(tool,))) == plain + 4 + 100 + 5
    form = ResponseFormat(ResponseFormatKind.JSON_SCHEMA, {"type": "object"})
    assert estimated_tokens(dataclasses.replace(asked(TEXT), response_format=form)) == plain + 5


def test_it_is_never_nothing():
    assert estimated_tokens(ChatRequest()) == 1
