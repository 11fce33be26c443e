"""Streamed answers as the lines of Ollama's API."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from airegistry.errors import RegistryError
from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.content import ContentBlock, ToolCall
from airegistry.invocations.invocation import InvokeEvent, Settlement, StreamEnd
from airegistry.invocations.invocation import Warning as FieldWarning
from gateway.fronts.answering import warned
from gateway.fronts.ollama.errors import error_body
from gateway.fronts.ollama.message import call_value, done_reason, incomplete, logprobs_value, members_of, whole
from gateway.fronts.ollama.responses import Envelope, ending, relayed_line, rfc3339

# JSON has line ends between values only, where a model put them into the arguments of a call; the others stand in texts, and
# Ollama's own SDK takes them for line ends, too.
_UNBROKEN: Final = {
    b"\n": b" ",
    b"\r": b" ",
    "\x85".encode(): rb"\u0085",
    "\u2028".encode(): rb"\u2028",
    "\u2029".encode(): rb"\u2029",
}
_BREAK: Final = re.compile(b"|".join(_UNBROKEN))


class Lines:
    """Writes the lines of one answer. Tool calls go out whole, as this format has them; the last line says how it ended."""

    def __init__(self, envelope: Envelope, warnings: Sequence[FieldWarning] = ()) -> None:
        self._envelope = envelope
        self._warnings = warnings
        self._calls: dict[int, ToolCall] = {}
        self._finish = ChatDelta()
        self._lost: list[str] = []
        self._head = orjson.dumps({"model": envelope.model})[:-1] + b',"created_at":"'
        self._text = b'","response":' if envelope.generates else b'","message":{"role":"assistant","content":'
        self._tail = b',"done":false}' if envelope.generates else b'},"done":false}'

    def write(self, batch: Sequence[InvokeEvent]) -> bytes:
        """Return the lines of a batch. Those that the provider wrote itself go on, under the name that the caller knows."""
        lines = [line for event in batch if event.chat_delta is not None for line in self._delta(event.chat_delta)]
        wires = [event.raw.body for event in batch if event.raw is not None]
        end = batch[-1].end
        settlement = None if end is None else end.settlement or Settlement()
        last = len(wires) - 1
        lines += [
            relayed_line(wire, self._envelope.model, settlement if i == last else None) for i, wire in enumerate(wires)
        ]
        if end is not None and not wires:
            lines += [*self._waiting(), self._end(end)]
        return b"".join(_BREAK.sub(_unbroken, line) + b"\n" for line in lines)

    def failure(self, error: RegistryError) -> bytes:
        """Return the line that tells of a failure; none follows it."""
        return error_body(error) + b"\n"

    def _delta(self, delta: ChatDelta) -> list[bytes]:
        if delta.text is not None and not (delta.logprobs or self._calls or delta.finish_reason):
            # The way of nearly every token: only the text is serialized.
            time = rfc3339(self._envelope.now()).encode()
            return [b"".join((self._head, time, self._text, orjson.dumps(delta.text), self._tail))]
        if delta.finish_reason is not None:
            self._finish = delta
        lines = self._waiting(delta.block_index)
        members = self._members(delta)
        if members or delta.logprobs:
            lines.append(self._line(members, delta))
        return lines

    def _members(self, delta: ChatDelta) -> dict[str, Any]:
        if delta.text is not None:
            return {"content": delta.text}
        if delta.thinking is not None:
            return {"thinking": delta.thinking}
        if delta.refusal is not None:
            return {"content": delta.refusal}
        if delta.block is not None:
            return self._whole(delta.block, delta.block_index)
        if delta.tool_call_start is not None:
            self._calls[delta.block_index] = delta.tool_call_start
        elif delta.tool_call_arguments is not None and (call := self._calls.get(delta.block_index)) is not None:
            self._calls[delta.block_index] = replace(call, arguments=call.arguments + delta.tool_call_arguments)
        elif delta.thinking_signature is not None:
            self._lost.append(_lost(delta.block_index))
        return {}

    def _whole(self, block: ContentBlock, index: int) -> dict[str, Any]:
        members = members_of(block)
        if not members or incomplete(block):
            self._lost.append(_lost(index))
        return members

    def _waiting(self, but: int | None = None) -> list[bytes]:
        """Return the lines of the calls that wait: of all of them at the end, before that of those that are whole.

        Parallel calls may come interleaved; nothing can follow a whole JSON object. What is of a call itself makes none go.
        """
        done = []
        for index in sorted(self._calls):
            if but is not None and (but <= index or not whole(self._calls[index])):
                break
            done.append(self._calls.pop(index))
        return [self._line({"tool_calls": [call_value(call)]}) for call in done]

    def _line(self, members: dict[str, Any], delta: ChatDelta | None = None) -> bytes:
        line = self._envelope.line(members)
        if delta is not None and delta.logprobs:
            line["logprobs"] = logprobs_value(delta.logprobs)
        return orjson.dumps({**line, "done": False})

    def _end(self, end: StreamEnd) -> bytes:
        word = done_reason(self._finish.finish_reason, self._finish.upstream_finish_reason)
        settlement = warned(end.settlement, self._warnings)
        return orjson.dumps({**self._envelope.line({}), **ending(word, settlement, end.extra, self._lost)})


def _lost(index: int) -> str:
    return f"message.content[{index}]: not all of it has a place in this format"


def _unbroken(found: re.Match[bytes]) -> bytes:
    return _UNBROKEN[found[0]]
