"""How many tokens a conversation may have, where nobody counts them: a rule of thumb, and always said to be one."""

from __future__ import annotations

import math
from typing import Final

import orjson

from airegistry.invocations.chat import ChatRequest, Tool
from airegistry.invocations.content import ContentBlock, MediaBlock

_BYTES_PER_TOKEN: Final = 4
"""English has about four letters in a token. Other scripts take more bytes for a letter, and more tokens."""
_PER_MESSAGE: Final = 4
_PER_IMAGE: Final = 1_600
"""What an image costs at most with most providers, and what stands for anything of unknown size."""
_MEDIA_BYTES_PER_TOKEN: Final = 32
"""A page of a PDF has some 50 to 100 KB and 1,500 to 3,000 tokens; a second of compressed sound 2 KB and 25 to 50."""


def estimated_tokens(request: ChatRequest) -> int:
    """Return about how many input tokens a conversation has: at least 1."""
    messages = sum(_PER_MESSAGE + _blocks(message.content) for message in request.messages)
    tools = sum(_PER_MESSAGE + _tool(tool) for tool in request.tools)
    form = request.response_format
    schema = _json(form.json_schema) if form is not None and form.json_schema is not None else 0
    return max(1, messages + tools + schema)


def _blocks(blocks: tuple[ContentBlock, ...]) -> int:
    return sum(_block(block) for block in blocks)


def _block(block: ContentBlock) -> int:
    if block.tool_result is not None:
        return _blocks(block.tool_result.content)
    if block.tool_call is not None:
        return _text(block.tool_call.name + block.tool_call.arguments)
    if block.thinking is not None:
        return _text(block.thinking.text)
    if block.image is not None:
        return _PER_IMAGE
    words = block.text or block.refusal
    return _text(words.text) if words is not None else _media(block.file or block.audio or block.video)


def _media(media: MediaBlock | None) -> int:
    if media is None or media.data is None:
        return _PER_IMAGE
    per_token = _BYTES_PER_TOKEN if media.media_type.startswith("text/") else _MEDIA_BYTES_PER_TOKEN
    return math.ceil(len(media.data) / per_token)


def _tool(tool: Tool) -> int:
    return _text(tool.name + tool.description) + (_json(tool.input_schema) if tool.input_schema is not None else 0)


def _json(value: object) -> int:
    return math.ceil(len(orjson.dumps(value)) / _BYTES_PER_TOKEN)


def _text(words: str) -> int:
    return math.ceil(len(words.encode(errors="surrogatepass")) / _BYTES_PER_TOKEN)
