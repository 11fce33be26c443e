"""The blocks of a streamed answer as events: one after the other, as this format has them, whatever order they came in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from airegistry.dialects.anthropic.blocks import call_id, citations_of
from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.content import ContentBlock
from gateway.fronts.anthropic.message import block_value


def event_bytes(kind: str, fields: dict[str, Any]) -> bytes:
    """Return one server-sent event."""
    return b"event: %s\ndata: " % kind.encode() + orjson.dumps({"type": kind, **fields}) + b"\n\n"


class _Open:
    """The block that is being written."""

    __slots__ = ("_arguments", "kind", "text_head")

    def __init__(self, kind: str, number: int) -> None:
        self.kind = kind
        self._arguments: list[str] = []
        self.text_head = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":"text_delta","text":' % number
        )

    def add(self, words: str) -> None:
        """Take more of a call's arguments."""
        self._arguments.append(words)

    @property
    def spoken(self) -> bool:
        """Whether any arguments came."""
        return bool(self._arguments)

    @property
    def whole(self) -> bool:
        """Whether the arguments are a JSON object. They are put together only when their last piece could end one."""
        if not self._arguments or not self._arguments[-1].rstrip().endswith("}"):
            return False
        try:
            return isinstance(orjson.loads("".join(self._arguments)), dict)
        except orjson.JSONDecodeError:
            return False


class BlockEvents:
    """Writes blocks. What has no place among them is named in *lost*.

    Deltas of parallel tool calls may interleave, and here they must not: those of a later block wait until the arguments of
    the earlier call are whole, at the latest until the end.
    """

    def __init__(self, lost: list[str]) -> None:
        self._lost = lost
        self._number = -1
        self._place = -1
        self._open: _Open | None = None
        self._waiting: dict[int, list[ChatDelta]] = {}

    def take(self, delta: ChatDelta) -> bytes:
        """Return the events of a delta, often none: it may have to wait, or say nothing."""
        if delta.choice_index:
            self._lose(f"choices[{delta.choice_index}]: this format has one answer")
            return b""
        if delta.logprobs:
            self._lose("logprobs: have no place in this format")
        kind = _kind(delta)
        if not kind:
            return b""
        block = self._open
        if block is not None and kind == "text" and block.kind == "text" and delta.block_index == self._place:
            # The way of nearly every token: only the text is serialized.
            return block.text_head + orjson.dumps(delta.text or delta.refusal or "") + b"}}\n\n"
        return b"".join(self._events(delta, kind))

    def close(self) -> bytes:
        """Return the events that end the block that is open, and those of all that waited."""
        events = [self._stop()]
        while self._waiting:
            events.extend(self._resumed())
            events.append(self._stop())
        return b"".join(events)

    def _events(self, delta: ChatDelta, kind: str) -> Iterator[bytes]:
        place = delta.block_index
        if place in self._waiting or (place != self._place and self._must_wait()):
            self._waiting.setdefault(place, []).append(delta)
            return
        yield from self._now(delta, kind)
        while self._waiting and not self._must_wait():
            yield from self._resumed()

    def _resumed(self) -> Iterator[bytes]:
        place = min(self._waiting)
        for delta in self._waiting.pop(place):
            yield from self._now(delta, _kind(delta))

    def _must_wait(self) -> bool:
        """Whether a call is being written whose arguments are not whole."""
        return self._open is not None and self._open.kind == "tool_use" and not self._open.whole

    def _now(self, delta: ChatDelta, kind: str) -> Iterator[bytes]:
        if delta.block is not None:
            yield from self._given(delta.block, delta.block_index)
            return
        if delta.tool_call_start is not None:
            start = delta.tool_call_start
            wire = {"type": "tool_use", "id": call_id(start.id), "name": start.name, "input": {}}
            yield self._begin(delta.block_index, wire)
            yield from self._arguments(start.arguments)
        elif kind == "tool_use":
            if self._open is None or self._place != delta.block_index:
                if (delta.tool_call_arguments or "").strip():
                    self._lose(f"content[{delta.block_index}].input: more of it came after its end")
                return
            yield from self._arguments(delta.tool_call_arguments or "")
        elif kind == "thinking":
            yield self._ready(delta.block_index, {"type": "thinking", "thinking": "", "signature": ""})
            if delta.thinking:
                yield self._part({"type": "thinking_delta", "thinking": delta.thinking})
            if delta.thinking_signature:
                yield self._part({"type": "signature_delta", "signature": delta.thinking_signature})
        else:
            yield self._ready(delta.block_index, {"type": "text", "text": ""})
            yield self._part({"type": "text_delta", "text": delta.text or delta.refusal or ""})

    def _given(self, block: ContentBlock, place: int) -> Iterator[bytes]:
        """Write a block that came as a whole; a text adds to the one that is open, as its citations do."""
        wire = block_value(block, f"content[{place}]", self._lost)
        if wire is None:
            return
        if block.text is not None:
            yield self._ready(place, {"type": "text", "text": ""})
            if block.text.text:
                yield self._part({"type": "text_delta", "text": block.text.text})
            for citation in citations_of(block.text):
                yield self._part({"type": "citations_delta", "citation": citation})
        elif wire["type"] == "tool_use":
            call = block.tool_call
            yield self._begin(place, {**wire, "input": {}})
            yield from self._arguments(call.arguments if call is not None else "")
        elif wire["type"] == "redacted_thinking":
            yield self._begin(place, wire)
        else:
            yield from self._now(_as_delta(block, place), _kind(_as_delta(block, place)))

    def _arguments(self, words: str) -> Iterator[bytes]:
        if words and self._open is not None:
            self._open.add(words)
            yield self._part({"type": "input_json_delta", "partial_json": words})

    def _ready(self, place: int, wire: dict[str, Any]) -> bytes:
        """Return nothing where such a block is open at that place, else the events that open one."""
        if self._open is not None and self._place == place and self._open.kind == wire["type"]:
            return b""
        return self._begin(place, wire)

    def _begin(self, place: int, wire: dict[str, Any]) -> bytes:
        ended = self._stop()
        self._number += 1
        self._place = place
        self._open = _Open(wire["type"], self._number)
        return ended + event_bytes("content_block_start", {"index": self._number, "content_block": wire})

    def _part(self, delta: dict[str, Any]) -> bytes:
        return event_bytes("content_block_delta", {"index": self._number, "delta": delta})

    def _stop(self) -> bytes:
        if self._open is None:
            return b""
        if self._open.kind == "tool_use" and self._open.spoken and not self._open.whole:
            self._lose(f"content[{self._number}].input: the arguments are no JSON object")
        self._open = None
        return event_bytes("content_block_stop", {"index": self._number})

    def _lose(self, what: str) -> None:
        if what not in self._lost:
            self._lost.append(what)


def _kind(delta: ChatDelta) -> str:
    """Return the type of block that a delta belongs to; empty when it says nothing."""
    if delta.text is not None or delta.refusal is not None:
        return "text"
    if delta.tool_call_start is not None or delta.tool_call_arguments is not None:
        return "tool_use"
    if delta.thinking is not None or delta.thinking_signature is not None:
        return "thinking"
    return "block" if delta.block is not None else ""


def _as_delta(block: ContentBlock, place: int) -> ChatDelta:
    """Return a block that came as a whole as the delta that says the same."""
    if block.thinking is not None:
        return ChatDelta(0, place, thinking=block.thinking.text, thinking_signature=block.thinking.signature)
    return ChatDelta(0, place, refusal=block.refusal.text if block.refusal is not None else "")
