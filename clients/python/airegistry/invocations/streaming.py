"""What a dialect tells of a streamed answer, beside the deltas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.invocation import InvokeEvent
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.kinds import AgentTaskResponse, AgentTaskState
from airegistry.invocations.usage import Usage


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The provider began to answer; always the first item."""

    upstream_id: str = ""
    upstream_model: str = ""
    created: int | None = None


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """What the answer used so far; a later one replaces it."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class ExtraSeen:
    """Top-level fields of the answer that have no place elsewhere; comes at most once, at the end."""

    extra: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WireSeen:
    """One event of a stream as the provider wrote it, for a caller of the same format. `token`: it holds a piece of the answer."""

    data: bytes
    token: bool = False


@dataclass(frozen=True, slots=True)
class TextRun:
    """Texts of one block that came together: as many `ChatDelta`s, in a fraction of the time. None of them is empty."""

    choice_index: int
    block_index: int
    texts: tuple[str, ...]

    def deltas(self) -> Iterator[ChatDelta]:
        """Yield them one by one."""
        return (ChatDelta(self.choice_index, self.block_index, text) for text in self.texts)


OnePiece = ChatDelta | AgentTaskResponse | WireSeen
Piece = OnePiece | TextRun
"""What a caller gets of an answer while it is made."""

StreamItem = StreamStarted | Piece | UsageSeen | ExtraSeen | FieldWarning
"""A warning names, once per answer, what could not be kept of it."""

Happening = InvokeEvent | TextRun
"""Something that happens in a streamed call. A run stands for an event for each of its texts."""


def events_of(happenings: Iterable[Happening]) -> list[InvokeEvent]:
    """Return what happened, event by event."""
    events: list[InvokeEvent] = []
    for one in happenings:
        if isinstance(one, TextRun):
            events += [InvokeEvent(chat_delta=delta) for delta in one.deltas()]
        else:
            events.append(one)
    return events


def one_by_one(pieces: Iterable[Piece]) -> Iterator[OnePiece]:
    """Yield pieces with the texts of a run each by itself."""
    for piece in pieces:
        if isinstance(piece, TextRun):
            yield from piece.deltas()
        else:
            yield piece


def tokens_in(piece: Piece) -> int:
    """Return how many pieces of the answer itself a piece is; 0 for what is only about it."""
    return len(piece.texts) if isinstance(piece, TextRun) else int(is_token(piece))


def is_token(piece: OnePiece) -> bool:
    """Say whether a piece is of the answer itself, and not only about it."""
    if isinstance(piece, ChatDelta):
        return bool(
            piece.text
            or piece.thinking
            or piece.thinking_signature
            or piece.tool_call_start
            or piece.tool_call_arguments
            or piece.refusal
            or piece.block
        )
    if isinstance(piece, WireSeen):
        return piece.token
    # Who says that it is under way may have done something already.
    return bool(piece.content or piece.artifacts) or piece.state not in (None, AgentTaskState.SUBMITTED)
