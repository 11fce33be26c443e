"""The fields of a response that are no answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_READ: Final = frozenset(
    (
        "id",
        "object",
        "created_at",
        "completed_at",
        "status",
        "error",
        "incomplete_details",
        "model",
        "output",
        "output_text",
        "usage",
    )
)
_REPEATED: Final = frozenset(
    (
        "access_programs",
        "background",
        "billing",
        "context_management",
        "conversation",
        "frequency_penalty",
        "image",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "parallel_tool_calls",
        "presence_penalty",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    )
)
"""Fields in which a response repeats its request."""

_KNOWN: Final = _READ | _REPEATED


def rest_of(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that tell something else (`service_tier`, `moderation`)."""
    return {name: response[name] for name in response.keys() - _KNOWN if response[name] is not None}
