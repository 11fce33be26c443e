"""Streamed answers as the events of OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TypeVar

from airegistry.errors import RegistryError
from airegistry.invocations.chat import ChatDelta, FinishReason
from airegistry.invocations.content import ContentBlock, RefusalBlock, TextBlock
from airegistry.invocations.invocation import InvokeEvent, StreamEnd
from gateway.fronts.openai.errors import error_value
from gateway.fronts.openai_responses.answers import ending, new_id, response_head, told
from gateway.fronts.openai_responses.events import Events
from gateway.fronts.openai_responses.items import image_item
from gateway.fronts.openai_responses.open_items import (
    OpenCall,
    OpenImage,
    OpenItem,
    OpenMessage,
    OpenPart,
    OpenThought,
)
from gateway.fronts.openai_responses.output import fitting
from gateway.fronts.openai_responses.relays import relayed_end, relayed_event
from gateway.fronts.openai_responses.requests import ResponsesCall

Opened = TypeVar("Opened", bound=OpenItem)


class ResponseEvents:
    """Writes the events of one answer.

    A message or a thought ends where another item begins; calls, whose arguments may come interleaved, end with the answer.
    """

    def __init__(self, call: ResponsesCall, created: int) -> None:
        self._call = call
        self._head = response_head(call, new_id("resp"), created)
        self._events = Events()
        self._begun = False
        self._items: list[OpenItem] = []
        self._parts: dict[int, OpenPart] = {}
        self._blocks: dict[int, OpenItem] = {}
        self._finish: FinishReason | None = None
        self._upstream_finish = ""
        self._refused = False
        self._lost: list[str] = []

    def write(self, batch: Sequence[InvokeEvent]) -> bytes:
        """Return the events of a batch. Those that the provider wrote itself go on as they are."""
        parts = [part for event in batch if event.chat_delta is not None for part in self._delta(event.chat_delta)]
        relayed = [event.raw.body for event in batch if event.raw is not None]
        end = batch[-1].end
        for i, data in enumerate(relayed):
            self._events.number()
            last = end is not None and i == len(relayed) - 1
            parts.append(relayed_end(data, end.settlement) if end is not None and last else relayed_event(data))
        if end is not None and not relayed:
            parts.extend(self._end(end))
        return b"".join(parts)

    def failure(self, error: RegistryError) -> bytes:
        """Return the event that ends a stream with an error, in the form of the reference and in that of the wire."""
        value = error_value(error)["error"]
        flat = {name: value[name] for name in ("code", "message", "param")}
        return self._events.write("error", **flat, error=value)

    def _begin(self) -> Iterator[bytes]:
        if not self._begun:
            self._begun = True
            yield self._events.write("response.created", response=self._head)
            yield self._events.write("response.in_progress", response=self._head)

    def _delta(self, delta: ChatDelta) -> Iterator[bytes]:
        if delta.text is not None and (part := self._parts.get(delta.block_index)) is not None:
            yield part.text(delta.text, delta.logprobs)
            return
        yield from self._begin()
        if delta.finish_reason is not None:
            self._finish, self._upstream_finish = delta.finish_reason, delta.upstream_finish_reason
        if delta.text is not None or delta.refusal is not None:
            yield from self._words(delta)
        elif delta.thinking is not None or delta.thinking_signature is not None:
            yield from self._thought(delta)
        elif delta.tool_call_start is not None or delta.tool_call_arguments is not None:
            yield from self._function(delta)
        elif delta.block is not None:
            yield from self._whole(delta.block, delta.block_index)

    def _words(self, delta: ChatDelta) -> Iterator[bytes]:
        refused = delta.refusal is not None
        self._refused = self._refused or refused
        part = self._parts.get(delta.block_index)
        if part is None:
            message = yield from self._message()
            part, begun = message.add(refused=refused)
            # A message has one open part; what comes late for another one opens a new part.
            self._forget(message)
            self._parts[delta.block_index] = part
            self._blocks[delta.block_index] = message
            yield begun
        yield part.refusal(delta.refusal) if delta.refusal is not None else part.text(delta.text or "", delta.logprobs)

    def _message(self) -> Generator[bytes, None, OpenMessage]:
        """Return the message that is open, or begin one."""
        newest = self._items[-1] if self._items else None
        if isinstance(newest, OpenMessage) and newest.value is None:
            return newest
        return (yield from self._open(lambda id_, index: OpenMessage(self._events, id_, index), "msg"))

    def _thought(self, delta: ChatDelta) -> Iterator[bytes]:
        thought = self._blocks.get(delta.block_index)
        if not isinstance(thought, OpenThought) or thought.value is not None:
            thought = yield from self._open(lambda id_, index: OpenThought(self._events, id_, index), "rs")
            self._blocks[delta.block_index] = thought
        yield thought.add(delta)

    def _function(self, delta: ChatDelta) -> Iterator[bytes]:
        start = delta.tool_call_start
        call = self._blocks.get(delta.block_index)
        if start is not None:
            call = yield from self._open(lambda id_, index: OpenCall(self._events, id_, index, start), "fc")
            self._blocks[delta.block_index] = call
            yield call.add(start.arguments)
        elif isinstance(call, OpenCall):
            yield call.add(delta.tool_call_arguments or "")

    def _whole(self, block: ContentBlock, index: int) -> Iterator[bytes]:
        """Write a block that came at once, as if it had come in pieces."""
        match block:
            case ContentBlock(text=TextBlock() as text):
                yield from self._annotated(text, index)
            case ContentBlock(refusal=RefusalBlock(words)):
                yield from self._words(ChatDelta(block_index=index, refusal=words))
            case ContentBlock(tool_call=call) if call is not None:
                yield from self._function(ChatDelta(block_index=index, tool_call_start=call))
            case ContentBlock(thinking=thought) if thought is not None:
                said = ChatDelta(block_index=index, thinking=thought.text, thinking_signature=thought.signature)
                yield from self._thought(said)
                if thought.redacted_data:
                    self._lose(index)
            case ContentBlock(image=image) if image is not None and image.data is not None:
                id_ = new_id("ig")
                made = image_item(id_, image)
                yield from self._open(lambda _, at: OpenImage(self._events, id_, at, made), "ig")
            case _:
                self._lose(index)

    def _annotated(self, text: TextBlock, index: int) -> Iterator[bytes]:
        kept, whole = fitting(text.annotations)
        if text.text or index not in self._blocks:
            yield from self._words(ChatDelta(block_index=index, text=text.text))
        part = self._parts.get(index)
        if part is not None:
            yield from map(part.annotate, kept)
        if not whole or part is None:
            self._lose(index)

    def _open(self, make: Callable[[str, int], Opened], prefix: str) -> Generator[bytes, None, Opened]:
        """Begin an item, which ends the message or the thought before it, and return it."""
        for item in self._items:
            if not isinstance(item, OpenCall):
                yield item.close("completed")
                self._forget(item)
        item = make(new_id(prefix), len(self._items))
        self._items.append(item)
        yield item.begin()
        return item

    def _forget(self, item: OpenItem) -> None:
        """Let what comes late for a part that has ended open a new one."""
        for index in [index for index, owner in self._blocks.items() if owner is item]:
            self._parts.pop(index, None)

    def _end(self, end: StreamEnd) -> Iterator[bytes]:
        yield from self._begin()
        ended = ending(self._finish, self._upstream_finish, refused=self._refused)
        yield from (item.close(ended["status"]) for item in self._items)
        response = {
            **(end.extra or {}),
            **self._head,
            **ended,
            "output": [item.value for item in self._items],
            **told(self._call, end.settlement, self._lost),
        }
        yield self._events.write(f"response.{ended['status']}", response=response)

    def _lose(self, index: int) -> None:
        self._lost.append(f"output[{index}]: has no place in this format")
