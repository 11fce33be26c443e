"""Streamed answers as the server-sent events of OpenAI's API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from airegistry.errors import InternalError, RegistryError
from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.content import ContentBlock
from airegistry.invocations.invocation import InvokeEvent, Settlement
from airegistry.invocations.invocation import Warning as FieldWarning
from gateway.fronts.accounts import settlement_value
from gateway.fronts.answering import warned
from gateway.fronts.openai.errors import error_value
from gateway.fronts.openai.message import MessageWriter, audio_facts, finish_reason_word, logprobs_value
from gateway.fronts.openai.relays import relayed_end, relayed_events
from gateway.fronts.openai.responses import Envelope
from gateway.fronts.openai.usage import usage_value

_DONE: Final = b"data: [DONE]\n\n"


def failure_event(error: Exception) -> bytes:
    """Return the event that ends a stream with an error; no `[DONE]` may follow it."""
    ours = error if isinstance(error, RegistryError) else InternalError("internal error")
    return b"data: " + orjson.dumps(error_value(ours)) + b"\n\n"


class ChatEvents:
    """Writes the events of one answer.

    Why a choice ended goes out with `end`: a caller sees a finish_reason only of an answer that is whole.
    """

    def __init__(self, envelope: Envelope, *, include_usage: bool, warnings: Sequence[FieldWarning] = ()) -> None:
        head = {
            "id": envelope.id,
            "object": "chat.completion.chunk",
            "created": envelope.created,
            "model": envelope.model,
        }
        self._head = b"data: " + orjson.dumps(head)[:-1]
        self._include_usage = include_usage
        # OpenAI: with include_usage every chunk but the last has a null there.
        self._tail = (b',"usage":null' if include_usage else b"") + b"}\n\n"
        self._text_tail = b'},"logprobs":null,"finish_reason":null}]' + self._tail
        self._choices: dict[int, _Choice] = {}
        self._lost: list[str] = []
        self._warnings = warnings

    def write(self, batch: Sequence[InvokeEvent]) -> bytes:
        """Return the events of a batch. Those that the provider wrote itself go on as they are."""
        parts = [self.delta(event.chat_delta) for event in batch if event.chat_delta is not None]
        relayed = [event.raw.body for event in batch if event.raw is not None]
        end = batch[-1].end
        parts.append(relayed_events(relayed) if end is None else self.end(end.settlement, relayed))
        return b"".join(parts)

    def failure(self, error: RegistryError) -> bytes:
        """Return the event that ends a stream with an error; no `[DONE]` may follow it."""
        return failure_event(error)

    def delta(self, delta: ChatDelta) -> bytes:
        """Return the events of a delta, the one that opens its choice included; often none for its end."""
        choice = self._choices.get(delta.choice_index)
        opening = b""
        if choice is None:
            choice = self._choices[delta.choice_index] = _Choice(delta.choice_index, self._head)
            opening = self._event(delta.choice_index, {"role": "assistant", "content": "", "refusal": None})
        if delta.finish_reason is not None:
            choice.finish(delta)
        if delta.text is not None and not delta.logprobs and not choice.transcripts:
            # The way of nearly every token: only the text is serialized.
            return opening + choice.text_head + orjson.dumps(delta.text) + self._text_tail
        value = choice.value(delta, self._lost)
        if value is None and not delta.logprobs:
            return opening
        return opening + self._event(delta.choice_index, value or {}, logprobs=logprobs_value(delta.logprobs))

    def end(self, settlement: Settlement | None, relayed: Sequence[bytes] = ()) -> bytes:
        """Return the events that end a whole answer: why each choice ended, the usage if asked for, `[DONE]`.

        *relayed* are those in which the provider itself tells its end.
        """
        if relayed:
            return relayed_end(relayed, settlement or Settlement(), include_usage=self._include_usage) + _DONE
        events = []
        extra = {"airegistry": settlement_value(warned(settlement, self._warnings), self._lost)}
        for index in sorted(self._choices):
            last = index == max(self._choices)
            events.append(self._event(index, {}, finish=self._choices[index].word(), extra=extra if last else None))
        if self._include_usage:
            usage: dict[str, Any] = {"choices": [], "usage": usage_value(settlement.usage if settlement else None)}
            events.append(self._head + b"," + orjson.dumps(usage)[1:] + b"\n\n")
        return b"".join((*events, _DONE))

    def _event(
        self,
        index: int,
        delta: dict[str, Any],
        *,
        logprobs: dict[str, Any] | None = None,
        finish: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return self._head + b"," + orjson.dumps({"choices": [choice], **(extra or {})})[1:-1] + self._tail


class _Choice:
    """What must be remembered of a choice while it streams."""

    __slots__ = ("_calls", "_finish", "_index", "_refused", "text_head", "transcripts")

    def __init__(self, index: int, head: bytes) -> None:
        self.text_head = head + b',"choices":[{"index":%d,"delta":{"content":' % index
        self.transcripts: set[int] = set()
        self._index = index
        self._calls: dict[int, int] = {}
        self._refused = False
        self._finish: ChatDelta | None = None

    def finish(self, delta: ChatDelta) -> None:
        self._finish = delta

    def word(self) -> str:
        if self._finish is None:
            return "stop"
        return finish_reason_word(
            self._finish.finish_reason, self._finish.upstream_finish_reason, refused=self._refused
        )

    def value(self, delta: ChatDelta, lost: list[str]) -> dict[str, Any] | None:
        """Return the `delta` object for what a delta brings, None when it brings nothing."""
        if delta.block is not None:
            return self._whole(delta.block, delta.block_index, lost)
        if delta.thinking_signature is not None:
            lost.append(self._lost(delta.block_index))
        if delta.tool_call_start is not None or delta.tool_call_arguments is not None:
            return {"tool_calls": [self._call(delta)]}
        return self._words(delta)

    def _words(self, delta: ChatDelta) -> dict[str, Any] | None:
        if delta.text is not None:
            spoken = delta.block_index in self.transcripts
            return {"audio": {"transcript": delta.text}} if spoken else {"content": delta.text}
        if delta.thinking is not None:
            return {"reasoning_content": delta.thinking}
        if delta.refusal is not None:
            self._refused = True
            return {"refusal": delta.refusal}
        return None

    def _call(self, delta: ChatDelta) -> dict[str, Any]:
        start = delta.tool_call_start
        if start is None:
            number = self._calls.get(delta.block_index, 0)
            return {"index": number, "function": {"arguments": delta.tool_call_arguments}}
        number = self._calls.setdefault(delta.block_index, len(self._calls))
        function = {"name": start.name, "arguments": start.arguments}
        return {"index": number, "id": start.id, "type": "function", "function": function}

    def _whole(self, block: ContentBlock, index: int, lost: list[str]) -> dict[str, Any] | None:
        writer = MessageWriter()
        if not writer.add(block):
            lost.append(self._lost(index))
        if block.text is not None and audio_facts(block.text):
            self.transcripts.add(index)
        value = {name: said for name, said in writer.value.items() if said and name != "role"}
        for call in value.get("tool_calls", ()):
            call["index"] = self._calls.setdefault(index, len(self._calls))
        self._refused = self._refused or "refusal" in value
        return value or None

    def _lost(self, index: int) -> str:
        return f"choices[{self._index}].message.content[{index}]: has no place in this format"
