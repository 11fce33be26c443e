"""Why a choice ended, in the words of OpenAI and of everybody who followed."""

from __future__ import annotations

from typing import Final

from airegistry.invocations.chat import FinishReason

_FINISH_REASONS: Final = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "eos_token": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "tool_use": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "refusal": FinishReason.REFUSAL,
}


def finish_reason_of(word: str) -> FinishReason | None:
    """Return what a word means; None for `error`, which is the end of no answer."""
    return None if word == "error" else _FINISH_REASONS.get(word, FinishReason.OTHER)
