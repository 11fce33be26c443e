"""What a dialect tells of a streamed answer, beside the deltas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airegistry.invocations.chat import ChatDelta
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


Piece = ChatDelta | AgentTaskResponse | WireSeen
"""What a caller gets of an answer while it is made."""

StreamItem = StreamStarted | Piece | UsageSeen | ExtraSeen | FieldWarning
"""A warning names, once per answer, what could not be kept of it."""


def is_token(piece: Piece) -> bool:
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
