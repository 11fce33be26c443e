"""Ollama's answers: the lines of a stream, or the one object that is the whole of it.

Both go through here, so that the same answer comes out the same, streamed or not. Lines of `/api/generate` are read, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.errors import error_within
from airegistry.dialects.events.sse import SSEvent
from airegistry.dialects.magic import image_type
from airegistry.dialects.openai.logprobs import logprobs_of
from airegistry.errors import MalformedAnswerError, TruncatedAnswerError
from airegistry.invocations.chat import ChatDelta, ChatRequest, FinishReason
from airegistry.invocations.content import ContentBlock, MediaBlock, ToolCall
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.streaming import ExtraSeen, StreamItem, StreamStarted, UsageSeen
from airegistry.invocations.usage import Usage

_FINISH_REASONS: Final = {"": FinishReason.STOP, "stop": FinishReason.STOP, "length": FinishReason.LENGTH}
_KNOWN: Final = frozenset(
    [
        "model",
        "created_at",
        "message",
        "response",
        "thinking",
        "logprobs",
        "done",
        "done_reason",
        "prompt_eval_count",
        "eval_count",
        "error",
    ]
)
_MESSAGE_FIELDS: Final = frozenset(["role", "content", "thinking", "images", "tool_calls"])


class Lines:
    """Reads the lines of one answer."""

    def __init__(self, request: ChatRequest) -> None:
        # So that calls of different turns never share an id.
        self._turn = len(request.messages)
        self._begun = False
        self._blocks: dict[object, int] = {}
        self._calls = 0
        self._usage: Usage | None = None
        self._done_reason: str | None = None
        self._extra: dict[str, Any] = {}
        self._warned: set[str] = set()

    @property
    def over(self) -> bool:
        """Whether the answer said that it is done."""
        return self._done_reason is not None

    @property
    def ending(self) -> bool:
        """Whether the line taken last is the one that ends the answer."""
        return self.over

    @property
    def mended(self) -> bool:
        """Nothing is: this format asks for no ids."""
        return False

    def take(self, event: SSEvent) -> list[StreamItem]:
        """Take one line and return what it adds, but for the end."""
        return self.add(reading.json_of(event.data, "a streamed item"))

    def add(self, value: Any) -> list[StreamItem]:
        """Take one line, parsed, or a whole answer."""
        line = reading.mapping(value, "a part of the answer")
        if (error := error_within(line)) is not None:
            raise error
        items: list[StreamItem] = []
        if not self._begun:
            self._begun = True
            items.append(_started(line))
        items.extend(self._content(_message(line)))
        if line.get("logprobs"):
            self._attach(line, items)
        if line.get("done"):
            self._done_reason = reading.text(line, "done_reason", "answer")
            self._usage = _usage(line)
        if not line.keys() <= _KNOWN:
            self._extra.update({key: line[key] for key in line.keys() - _KNOWN if line[key] is not None})
        return items

    def close(self) -> list[StreamItem]:
        """Return how the answer ended. Raises TruncatedAnswerError when it did not."""
        if self._done_reason is None:
            raise TruncatedAnswerError("the answer ended without `done`")
        reason = _FINISH_REASONS.get(self._done_reason, FinishReason.OTHER)
        if self._calls and reason is FinishReason.STOP:
            reason = FinishReason.TOOL_CALLS
        last = max(len(self._blocks) - 1, 0)
        items: list[StreamItem] = [UsageSeen(self._usage)] if self._usage is not None else []
        items.append(ChatDelta(0, last, finish_reason=reason, upstream_finish_reason=self._done_reason))
        return [*items, ExtraSeen(self._extra)] if self._extra else items

    def _content(self, message: Mapping[str, Any]) -> Iterator[StreamItem]:
        if thought := reading.text(message, "thinking", "message"):
            yield ChatDelta(0, self._block("thinking"), thinking=thought)
        if content := reading.text(message, "content", "message"):
            yield ChatDelta(0, self._block("text"), text=content)
        if message.keys() <= {"role", "content", "thinking"}:
            return
        for i, image in enumerate(_strings(message, "images")):
            data = reading.base64_bytes(image, f"message.images[{i}]")
            media_type = image_type(data) or "application/octet-stream"
            yield ChatDelta(
                0, self._block(object()), block=ContentBlock(image=MediaBlock(data=data, media_type=media_type))
            )
        for i, call in enumerate(reading.objects(message, "tool_calls", "message")):
            yield ChatDelta(0, self._block(object()), tool_call_start=self._call(call, f"message.tool_calls[{i}]"))
        yield from self._lost(message)

    def _call(self, call: Mapping[str, Any], path: str) -> ToolCall:
        function = reading.nested(call, "function", path)
        name = reading.text(function, "name", f"{path}.function")
        if not name:
            raise MalformedAnswerError(f"{path}.function.name is empty")
        # Most servers give none; the same answer must get the same one.
        id_ = reading.text(call, "id", path) or f"call_{self._turn}_{self._calls}"
        self._calls += 1
        return ToolCall(id_, name, _arguments(function, f"{path}.function"))

    def _attach(self, line: Mapping[str, Any], items: list[StreamItem]) -> None:
        """Put log-probabilities to the words that they are of."""
        logprobs = logprobs_of({"logprobs": {"content": line["logprobs"]}}, "answer")
        for i, item in enumerate(items):
            if isinstance(item, ChatDelta) and (item.text is not None or item.thinking is not None):
                items[i] = replace(item, logprobs=logprobs)
                return
        items.append(ChatDelta(0, max(len(self._blocks) - 1, 0), logprobs=logprobs))

    def _lost(self, message: Mapping[str, Any]) -> Iterator[FieldWarning]:
        for name in sorted(message.keys() - _MESSAGE_FIELDS - self._warned):
            if message[name]:
                self._warned.add(name)
                yield FieldWarning(f"message.{name}", "this field of the answer has no place in the canonical form")

    def _block(self, key: object) -> int:
        return self._blocks.setdefault(key, len(self._blocks))


def items_of(body: bytes, request: ChatRequest) -> list[StreamItem]:
    """Return a whole answer as the items that it would have streamed."""
    lines = Lines(request)
    items = lines.add(reading.json_of(body, "the answer"))
    return [*items, *lines.close()]


def _started(line: Mapping[str, Any]) -> StreamStarted:
    created = _seconds(reading.text(line, "created_at", "answer"))
    return StreamStarted("", reading.text(line, "model", "answer"), created)


def _seconds(time: str) -> int | None:
    try:
        return int(datetime.fromisoformat(time).timestamp())
    except (ValueError, OverflowError):
        return None


def _message(line: Mapping[str, Any]) -> Mapping[str, Any]:
    if "message" in line:
        return reading.nested(line, "message", "answer")
    return {"content": line.get("response"), "thinking": line.get("thinking")}


def _usage(line: Mapping[str, Any]) -> Usage | None:
    """Return what was counted. Some servers leave out the count of a prompt that they had in their cache: not a 0."""
    prompt = reading.count(line, "prompt_eval_count", "answer")
    answered = reading.count(line, "eval_count", "answer")
    if prompt is None and answered is None:
        return None
    return Usage(input_tokens=prompt, output_tokens=answered)


def _strings(message: Mapping[str, Any], name: str) -> list[str]:
    values = message.get(name)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise MalformedAnswerError(f"message.{name} is not an array of strings")
    return values


def _arguments(function: Mapping[str, Any], path: str) -> str:
    arguments = function.get("arguments")
    if arguments is None:
        return ""
    if isinstance(arguments, dict):
        return reading.json_text(arguments)
    return reading.text(function, "arguments", path)
