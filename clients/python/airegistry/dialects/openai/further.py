"""Chunks that only go on with the text of a choice, as nearly all do, known by their shape without being read whole.

What is null, or repeats what was told before, adds nothing. A chunk of any other shape is for `Chunks.take`, which makes the same of
these ones too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from airegistry.dialects.events.sse import SSEvent

_Words = Annotated[str, msgspec.Meta(min_length=1)]


class _Delta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: _Words
    role: str | None = None
    refusal: None = None
    reasoning_content: None = None
    reasoning: None = None
    tool_calls: None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    delta: _Delta
    index: int = 0
    finish_reason: None = None
    native_finish_reason: None = None
    logprobs: None = None
    stop_reason: None = None
    matched_stop: None = None
    token_ids: None = None


class _RelayedChoice(_Choice, forbid_unknown_fields=True, gc=False):
    logprobs: msgspec.Raw = msgspec.Raw()  # type: ignore[assignment]  # a wider shape, of which nothing is read


class Further(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Such a chunk. Its facts are the same in each chunk of an answer, where a server tells them at all."""

    choices: tuple[_Choice]
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    id: str = ""
    created: int = 0
    model: str = ""
    usage: None = None
    error: None = None
    obfuscation: str | None = None
    system_fingerprint: _Words | None = None
    service_tier: _Words | None = None
    provider: _Words | None = None


class FurtherRelayed(msgspec.Struct, gc=False):
    """Such a chunk for a caller who gets it as it is: other fields are only relayed, and not looked into, however they are."""

    choices: tuple[_RelayedChoice]
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    usage: None = None
    error: None = None


_Shape = TypeVar("_Shape", Further, FurtherRelayed)

READ: Final = msgspec.json.Decoder(Further)
RELAYED: Final = msgspec.json.Decoder(FurtherRelayed)

# What both raise for anything else: data that is no JSON or no UTF-8 among it, or that is nested without end.
_OTHER: Final = (ValueError, RecursionError)


def one_of(shape: msgspec.json.Decoder[_Shape], event: SSEvent) -> _Shape | None:
    """Return an event's chunk if it has the shape."""
    if event.event:
        return None
    try:
        return shape.decode(event.data)
    except _OTHER:
        return None


def all_of(shape: msgspec.json.Decoder[_Shape], events: Sequence[SSEvent]) -> list[_Shape] | None:
    """Return the chunks of events if all have the shape: read together, in half of the time."""
    for event in events:
        # Where each is an object from its first byte to its last one, none goes over a line's end: as many objects as lines are
        # one in each.
        if event.event or not (event.data.startswith(b"{") and event.data.endswith(b"}")):
            return None
    lines = b"\n".join([event.data for event in events])
    try:
        chunks = shape.decode_lines(lines)
    except _OTHER:
        return None
    return chunks if len(chunks) == len(events) else None
