"""The pieces of one answer, out of the events of a stream or out of those that a whole message would have come in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.anthropic.opened import Opened, opened
from airegistry.dialects.anthropic.usage import Counts
from airegistry.dialects.errors import error_within
from airegistry.errors import MalformedAnswerError, ProviderFailedError, TruncatedAnswerError
from airegistry.invocations.chat import ChatDelta, FinishReason
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.streaming import ExtraSeen, StreamItem, StreamStarted, UsageSeen
from airegistry.invocations.usage import Usage

STOP_REASONS: Final = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.REFUSAL,
}
_TOLD: Final = ("id", "type", "role", "content", "model", "usage", "stop_reason", "stop_sequence")
_MAX_BLOCKS: Final = 10_000


class Pieces:
    """Reads the events of one answer. *answer_tool* is the tool by which JSON was asked for; a call of it is the answer.

    What has no canonical place is named once in a warning. How the answer ended comes out of `close`.
    """

    def __init__(self, answer_tool: str) -> None:
        self._answer_tool = answer_tool
        self._counts = Counts()
        self._usage: Usage | None = None
        self._blocks: dict[int, Opened] = {}
        self._given = 0
        self._warned: set[str] = set()
        self._begun = False
        self._stop_reason = ""
        self._stop_sequence = ""
        self._extra: dict[str, Any] = {}
        self.over = False

    @property
    def ending(self) -> bool:
        """Whether the answer told why it ended; all that follows belongs to its end."""
        return bool(self._stop_reason)

    def take(self, value: Any, kind: str) -> list[StreamItem]:
        """Take an event; *kind* is its name where its data names none."""
        event = reading.mapping(value, "a streamed item")
        kind = reading.text(event, "type", "a streamed item") or kind
        if kind == "content_block_delta":
            return self._delta(event)
        return list(self._other(event, kind))

    def close(self) -> list[StreamItem]:
        """Return how the answer ended. Raises TruncatedAnswerError unless it said that it is over, and why."""
        if not (self.over and self._stop_reason):
            raise TruncatedAnswerError("the answer ended without a stop_reason and message_stop")
        items = [item for block in self._blocks.values() for item in block.close()]
        items.append(self._end())
        extra = {**self._extra, **self._counts.rest()}
        return [*items, *([ExtraSeen(extra)] if extra else [])]

    def _other(self, event: Mapping[str, Any], kind: str) -> Iterator[StreamItem]:
        match kind:
            case "ping":
                return
            case "content_block_start":
                yield from self._open(event)
            case "content_block_stop":
                yield from self._block(event).close()
            case "message_start":
                yield from self._start(reading.nested(event, "message", "message_start"))
            case "message_delta":
                yield from self._message_delta(event)
            case "message_stop":
                self.over = True
            case "error":
                raise error_within(event) or ProviderFailedError("the provider failed")
            case _:
                yield from self._lost(f"events of type {kind[:40]!r}", "")

    def _start(self, message: Mapping[str, Any]) -> Iterator[StreamItem]:
        if not self._begun:
            self._begun = True
            yield StreamStarted(reading.text(message, "id", "message"), reading.text(message, "model", "message"))
        yield from self._used(message)
        self._note(message)

    def _message_delta(self, event: Mapping[str, Any]) -> Iterator[StreamItem]:
        delta = reading.nested(event, "delta", "message_delta")
        self._stop_reason = reading.text(delta, "stop_reason", "message_delta") or self._stop_reason
        self._stop_sequence = reading.text(delta, "stop_sequence", "message_delta") or self._stop_sequence
        self._note(delta)
        yield from self._used(event)

    def _note(self, said: Mapping[str, Any]) -> None:
        self._extra.update({name: value for name, value in said.items() if name not in _TOLD and value is not None})

    def _used(self, said: Mapping[str, Any]) -> Iterator[UsageSeen]:
        if said.get("usage") is None:
            return
        self._counts.take(reading.nested(said, "usage", "answer"), "usage")
        usage = self._counts.usage()
        if self._counts.told and usage != self._usage:
            self._usage = usage
            yield UsageSeen(usage)

    def _open(self, event: Mapping[str, Any]) -> Iterator[StreamItem]:
        index = reading.count(event, "index", "content_block_start")
        if index is None or index in self._blocks or len(self._blocks) >= _MAX_BLOCKS:
            raise MalformedAnswerError(f"content_block_start has the index {index}")
        said = reading.nested(event, "content_block", "content_block_start")
        kind = reading.text(said, "type", "content_block")
        block = self._blocks[index] = opened(said, kind, self._given, self._answer_tool)
        if block.lost:
            yield from self._lost(f"blocks of type {kind[:40]!r}", f"content[{index}]")
            return
        # A block of which nothing is lost has the next canonical place, whatever its own number.
        self._given += 1
        yield from block.begin(said)

    def _delta(self, event: Mapping[str, Any]) -> list[StreamItem]:
        block = self._block(event)
        delta = event.get("delta")
        if not isinstance(delta, dict):
            raise MalformedAnswerError("content_block_delta has no delta")
        if block.lost:
            return []
        items = block.add(delta)
        if items is None:
            return list(self._lost(f"deltas of type {str(delta.get('type'))[:40]!r}", f"content[{event.get('index')}]"))
        return [*items]

    def _block(self, event: Mapping[str, Any]) -> Opened:
        index = reading.count(event, "index", "an event of a block")
        block = self._blocks.get(-1 if index is None else index)
        if block is None:
            raise MalformedAnswerError("an event belongs to a block that never began")
        return block

    def _end(self) -> ChatDelta:
        reason = STOP_REASONS.get(self._stop_reason, FinishReason.OTHER)
        called = {block.is_answer for block in self._blocks.values() if block.is_call}
        if reason is FinishReason.TOOL_CALLS and called == {True}:
            # The only tool called is the one by which the answer itself was asked for.
            reason = FinishReason.STOP
        return ChatDelta(
            block_index=max(self._given - 1, 0),
            finish_reason=reason,
            upstream_finish_reason=self._stop_reason,
            stop_sequence=self._stop_sequence,
        )

    def _lost(self, what: str, path: str) -> Iterator[FieldWarning]:
        if what not in self._warned:
            self._warned.add(what)
            yield FieldWarning(path or "answer", f"{what} have no place in the canonical form")
