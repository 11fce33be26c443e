"""Why an answer ended, in Anthropic's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects.a2a.states import WAITING_WORDS
from airegistry.dialects.anthropic.pieces import STOP_REASONS
from airegistry.invocations.chat import ChatChoice, ChatDelta, FinishReason

_WORDS: Final = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
    FinishReason.REFUSAL: "refusal",
}
_PAUSE: Final = "pause_turn"
_DETAILS: Final = ("stop_details", "container")


def stop_fields(ended: ChatChoice | ChatDelta, extra: Mapping[str, Any] | None, lost: list[str]) -> dict[str, Any]:
    """Return `stop_reason`, `stop_sequence` and what belongs to them. A word that has no place is named in *lost*."""
    details = {name: extra[name] for name in _DETAILS if name in extra} if extra else {}
    return {"stop_reason": _word(ended, lost), "stop_sequence": ended.stop_sequence or None, **details}


def _word(ended: ChatChoice | ChatDelta, lost: list[str]) -> str:
    reason, upstream = ended.finish_reason, ended.upstream_finish_reason
    if reason is FinishReason.STOP and ended.stop_sequence:
        return "stop_sequence"
    if reason is not None and STOP_REASONS.get(upstream) is reason:
        return upstream
    if reason is FinishReason.OTHER and upstream in WAITING_WORDS:
        return _PAUSE
    if reason is FinishReason.OTHER and upstream != _PAUSE:
        lost.append(f"stop_reason: {upstream[:40]!r} has no place in this format")
        return "end_turn"
    return _PAUSE if reason is FinishReason.OTHER else _WORDS.get(reason, "end_turn") if reason else "end_turn"
