"""Why an answer ended, from a provider's own word for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.resources.finish_reason import FinishReason

_USUAL: Final = {
    **dict.fromkeys(
        (
            "stop",
            "stopped",
            "eos",
            "eos_token",
            "end",
            "end_turn",
            "stop_sequence",
            "complete",
            "completed",
            "done",
            "true",
        ),
        FinishReason.STOP,
    ),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "max_length", "model_length"), FinishReason.LENGTH),
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call"), FinishReason.TOOL_CALLS),
    **dict.fromkeys(("content_filter", "content_filtered", "safety", "blocked"), FinishReason.CONTENT_FILTER),
    "refusal": FinishReason.REFUSAL,
}


def word_of(found: Any) -> str:
    """Return what a path to the finish reason found as a word; empty while the answer goes on."""
    if found is None or found is False:
        return ""
    return "true" if found is True else str(found)[:256]


def reason_of(word: str, declared: Mapping[str, FinishReason]) -> FinishReason:
    """Return what a word means: as the endpoint declares it, else as most providers do."""
    return declared.get(word) or _USUAL.get(word.lower(), FinishReason.OTHER)
