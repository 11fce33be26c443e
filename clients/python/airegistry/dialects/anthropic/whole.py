"""A whole message, as the events in which it would have been streamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from airegistry.dialects import reading
from airegistry.dialects.errors import error_within
from airegistry.errors import MalformedAnswerError


def events_of(body: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a message. Raises the error that came in its place, with a status of success."""
    message = reading.mapping(reading.json_of(body, "the answer"), "the answer")
    if (error := error_within(message)) is not None:
        raise error
    if not isinstance(message.get("content"), list):
        raise MalformedAnswerError("the answer has no content")
    usage = {"usage": message["usage"]} if message.get("usage") is not None else {}
    yield {"type": "message_start", "message": {name: message[name] for name in message if name not in _LAST}}
    for index, block in enumerate(_blocks(message, body)):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": {name: message.get(name) for name in _STOP}, **usage}
    yield {"type": "message_stop"}


_STOP = ("stop_reason", "stop_sequence")
_LAST = (*_STOP, "content", "usage")


class _Block(msgspec.Struct):
    input: msgspec.Raw = msgspec.Raw(b"")


class _Message(msgspec.Struct):
    content: list[_Block]


def _blocks(message: Mapping[str, Any], body: bytes) -> list[Mapping[str, Any]]:
    """Return the content, the arguments of calls in their own bytes: as parsed values, large numbers would lose digits."""
    blocks = reading.objects(message, "content", "answer")
    if not any(block.get("input") for block in blocks):
        return blocks
    inputs = [bytes(block.input).decode() for block in msgspec.json.decode(body, type=_Message).content]
    return [{**block, "input": given} if given else block for block, given in zip(blocks, inputs, strict=True)]
