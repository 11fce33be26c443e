"""A streamed answer, put together again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airegistry.invocations.chat import (
    ChatChoice,
    ChatDelta,
    ChatResponse,
    FinishReason,
    Message,
    Role,
    TokenLogprob,
)
from airegistry.invocations.content import ContentBlock, RefusalBlock, TextBlock, ThinkingBlock, ToolCall
from airegistry.invocations.invocation import AttemptStarted
from airegistry.invocations.streaming import ExtraSeen, StreamItem, StreamStarted, TextRun, UsageSeen
from airegistry.invocations.usage import Usage


def assemble(items: Iterable[StreamItem | AttemptStarted]) -> tuple[ChatResponse, Usage | None]:
    """Return the answer that the items of a stream make up, and its usage where that was told.

    The same as the unary answer would have been. What came before a `restarted` event must be left out by the caller.
    """
    assembler = Assembler()
    for item in items:
        assembler.add(item)
    return assembler.response(), assembler.usage


class Assembler:
    """Takes the items of a stream as they come."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self._started: StreamStarted | AttemptStarted = StreamStarted()
        self._choices: dict[int, _Choice] = {}
        self._extra: dict[str, Any] = {}

    def add(self, item: StreamItem | AttemptStarted) -> None:
        """Take the next item; warnings leave no trace in an answer."""
        match item:
            case ChatDelta():
                choice = self._choices.get(item.choice_index)
                if choice is None:
                    choice = self._choices[item.choice_index] = _Choice()
                choice.add(item)
            case TextRun():
                for delta in item.deltas():
                    self.add(delta)
            case StreamStarted() | AttemptStarted():
                self._started = item
            case UsageSeen():
                self.usage = item.usage
            case ExtraSeen():
                self._extra.update(item.extra)

    def response(self) -> ChatResponse:
        """Return the answer as far as it came."""
        return ChatResponse(
            choices=tuple(self._choices[index].whole(index) for index in sorted(self._choices)),
            upstream_id=self._started.upstream_id,
            upstream_model=self._started.upstream_model,
            created=self._started.created,
            extra=self._extra or None,
        )


class _Choice:
    __slots__ = ("_blocks", "_finish", "_logprobs")

    def __init__(self) -> None:
        self._blocks: dict[int, _Block] = {}
        self._logprobs: list[TokenLogprob] = []
        self._finish: tuple[FinishReason | None, str, str] = (None, "", "")

    def add(self, delta: ChatDelta) -> None:
        if delta.finish_reason is not None:
            self._finish = (delta.finish_reason, delta.upstream_finish_reason, delta.stop_sequence)
        self._logprobs.extend(delta.logprobs)
        if _says_something(delta):
            block = self._blocks.get(delta.block_index)
            if block is None:
                block = self._blocks[delta.block_index] = _Block()
            block.add(delta)

    def whole(self, index: int) -> ChatChoice:
        content = tuple(self._blocks[i].whole() for i in sorted(self._blocks))
        reason, upstream, stop_sequence = self._finish
        return ChatChoice(
            index=index,
            message=Message(Role.ASSISTANT, content),
            finish_reason=reason,
            upstream_finish_reason=upstream,
            stop_sequence=stop_sequence,
            logprobs=tuple(self._logprobs),
        )


class _Block:
    """One block under construction. Text that comes as a whole block adds to what is there: so annotations follow text."""

    __slots__ = ("_annotations", "_call", "_given", "_kind", "_signature", "_words")

    def __init__(self) -> None:
        self._given: ContentBlock | None = None
        self._call: ToolCall | None = None
        self._kind = "text"
        self._words: list[str] = []
        self._signature = ""
        self._annotations: tuple[Any, ...] = ()

    def add(self, delta: ChatDelta) -> None:
        if delta.text is not None:
            self._words.append(delta.text)
        elif delta.block is not None:
            self._add_block(delta.block)
        elif delta.tool_call_start is not None:
            self._kind, self._call = "tool_call", delta.tool_call_start
            self._words.append(delta.tool_call_start.arguments)
        elif delta.tool_call_arguments is not None:
            self._words.append(delta.tool_call_arguments)
        elif delta.refusal is not None:
            self._kind = "refusal"
            self._words.append(delta.refusal)
        else:
            self._kind = "thinking"
            self._words.append(delta.thinking or "")
            self._signature += delta.thinking_signature or ""

    def whole(self) -> ContentBlock:
        if self._given is not None:
            return self._given
        words = "".join(self._words)
        match self._kind:
            case "tool_call":
                call = self._call or ToolCall()
                return ContentBlock(tool_call=ToolCall(call.id, call.name, words))
            case "thinking":
                return ContentBlock(thinking=ThinkingBlock(words, self._signature))
            case "refusal":
                return ContentBlock(refusal=RefusalBlock(words))
        return ContentBlock(text=TextBlock(words, self._annotations))

    def _add_block(self, block: ContentBlock) -> None:
        if block.text is None or self._kind != "text":
            self._given = block
            return
        self._words.append(block.text.text)
        self._annotations += block.text.annotations


def _says_something(delta: ChatDelta) -> bool:
    return not (
        delta.text is None
        and delta.block is None
        and delta.tool_call_arguments is None
        and delta.tool_call_start is None
        and delta.thinking is None
        and delta.thinking_signature is None
        and delta.refusal is None
    )
