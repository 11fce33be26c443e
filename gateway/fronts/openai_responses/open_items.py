"""Items of a streamed response while they are being made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, Final

import orjson

from airegistry.invocations.chat import ChatDelta, TokenLogprob
from airegistry.invocations.content import ToolCall
from gateway.fronts.openai_responses.events import Events, prefix
from gateway.fronts.openai_responses.items import (
    Value,
    call_item,
    logprob_values,
    message_item,
    reasoning_item,
    refusal_part,
    summary_part,
    text_part,
)

_BEGUN: Final = "in_progress"


class OpenItem(ABC):
    """An item that has begun: what its events have in common."""

    def __init__(self, events: Events, id_: str, index: int) -> None:
        self._events = events
        self.id = id_
        self.index = index
        self.value: Value | None = None
        """What it became, once it is closed."""

    def begin(self) -> bytes:
        """Return the event that begins it."""
        return self._events.write("response.output_item.added", output_index=self.index, item=self.whole(_BEGUN))

    def close(self, status: str) -> bytes:
        """Return the events that end it, none where it has ended."""
        if self.value is not None:
            return b""
        ends = self.end()
        self.value = self.whole(status)
        return ends + self._events.write("response.output_item.done", output_index=self.index, item=self.value)

    @abstractmethod
    def whole(self, status: str) -> Value:
        """Return the item as far as it came."""

    @abstractmethod
    def end(self) -> bytes:
        """Return the events that tell its content whole."""

    def about(self, kind: str, **fields: Any) -> bytes:
        """Return an event about this item."""
        return self._events.write(kind, item_id=self.id, output_index=self.index, **fields)


class OpenPart:
    """A text or a refusal of a message."""

    def __init__(self, item: OpenItem, events: Events, index: int) -> None:
        self.words: list[str] = []
        self.annotations: list[Any] = []
        self.logprobs: list[TokenLogprob] = []
        self.refused = False
        self._item = item
        self._events = events
        self._index = index
        self._head = prefix("response.output_text.delta", item_id=item.id, output_index=item.index, content_index=index)

    def begin(self) -> bytes:
        """Return the event that begins it."""
        return self.about("response.content_part.added", part=self._value(""))

    def text(self, words: str, logprobs: tuple[TokenLogprob, ...]) -> bytes:
        """Return the event for more of a text: the way of nearly every token."""
        self.words.append(words)
        said = b"[]"
        if logprobs:
            self.logprobs.extend(logprobs)
            said = orjson.dumps(logprob_values(logprobs))
        parts = (self._head, b',"delta":', orjson.dumps(words), b',"logprobs":', said)
        return b"".join(parts) + b',"sequence_number":%d}\n\n' % self._events.number()

    def refusal(self, words: str) -> bytes:
        """Return the event for more of a refusal."""
        self.words.append(words)
        return self.about("response.refusal.delta", delta=words)

    def annotate(self, annotation: Any) -> bytes:
        """Return the event for an annotation."""
        self.annotations.append(annotation)
        index = len(self.annotations) - 1
        return self.about("response.output_text.annotation.added", annotation_index=index, annotation=annotation)

    def end(self) -> bytes:
        """Return the events that tell it whole."""
        words = "".join(self.words)
        if self.refused:
            done = self.about("response.refusal.done", refusal=words)
        else:
            done = self.about("response.output_text.done", text=words, logprobs=logprob_values(self.logprobs))
        return done + self.about("response.content_part.done", part=self.value())

    def value(self) -> Value:
        """Return the part as far as it came."""
        return self._value("".join(self.words))

    def about(self, kind: str, **fields: Any) -> bytes:
        """Return an event about this part."""
        return self._item.about(kind, content_index=self._index, **fields)

    def _value(self, words: str) -> Value:
        return refusal_part(words) if self.refused else text_part(words, self.annotations, self.logprobs)


class OpenMessage(OpenItem):
    """A message: its parts follow each other."""

    def __init__(self, events: Events, id_: str, index: int) -> None:
        super().__init__(events, id_, index)
        self.parts: list[OpenPart] = []

    def add(self, *, refused: bool) -> tuple[OpenPart, bytes]:
        """Begin another part, which ends the one before."""
        ended = self.parts[-1].end() if self.parts else b""
        part = OpenPart(self, self._events, len(self.parts))
        part.refused = refused
        self.parts.append(part)
        return part, ended + part.begin()

    def whole(self, status: str) -> Value:
        """Return the message as far as it came."""
        return message_item(self.id, [part.value() for part in self.parts], status)

    def end(self) -> bytes:
        """Return the events that end its last part."""
        return self.parts[-1].end() if self.parts else b""


class OpenThought(OpenItem):
    """A thought, which is one summary here."""

    def __init__(self, events: Events, id_: str, index: int) -> None:
        super().__init__(events, id_, index)
        self._words: list[str] = []
        self._signature: list[str] = []

    def add(self, delta: ChatDelta) -> bytes:
        """Return the events for more of it; its proof goes out with its end."""
        self._signature.append(delta.thinking_signature or "")
        if not delta.thinking:
            return b""
        begun = b""
        if not self._words:
            begun = self.about("response.reasoning_summary_part.added", summary_index=0, part=summary_part())
        self._words.append(delta.thinking)
        return begun + self.about("response.reasoning_summary_text.delta", summary_index=0, delta=delta.thinking)

    def whole(self, _status: str) -> Value:
        """Return the thought as far as it came."""
        return reasoning_item(self.id, "".join(self._words), "".join(self._signature))

    def end(self) -> bytes:
        """Return the events that tell its summary whole."""
        if not self._words:
            return b""
        words = "".join(self._words)
        done = self.about("response.reasoning_summary_text.done", summary_index=0, text=words)
        return done + self.about("response.reasoning_summary_part.done", summary_index=0, part=summary_part(words))


class OpenCall(OpenItem):
    """A call of a function."""

    def __init__(self, events: Events, id_: str, index: int, call: ToolCall) -> None:
        super().__init__(events, id_, index)
        self._call = replace(call, arguments="")
        self._arguments: list[str] = []

    def add(self, arguments: str) -> bytes:
        """Return the event for more of its arguments."""
        if not arguments:
            return b""
        self._arguments.append(arguments)
        return self.about("response.function_call_arguments.delta", delta=arguments)

    def whole(self, status: str) -> Value:
        """Return the call as far as it came."""
        return call_item(self.id, replace(self._call, arguments="".join(self._arguments)), status)

    def end(self) -> bytes:
        """Return the event that tells its arguments whole."""
        arguments = "".join(self._arguments)
        return self.about("response.function_call_arguments.done", name=self._call.name, arguments=arguments)


class OpenImage(OpenItem):
    """An image, which comes at once."""

    def __init__(self, events: Events, id_: str, index: int, image: Value) -> None:
        super().__init__(events, id_, index)
        self._image = image

    def whole(self, status: str) -> Value:
        """Return the image; nothing of it before its end."""
        return self._image if status != _BEGUN else {**self._image, "status": status, "result": None}

    def end(self) -> bytes:
        """Return the event that tells that it is there."""
        return self.about("response.image_generation_call.completed")
