"""Usage as the Responses API tells it."""

from __future__ import annotations

from typing import Any

from airegistry.invocations.usage import Usage
from gateway.fronts.openai.usage import usage_value


def responses_usage(usage: Usage | None) -> dict[str, Any] | None:
    """Return the counts, which overlap. None when either side is unknown: a 0 there would be a lie.

    The details must be numbers in this format. Of what nobody told a 0 stands there: it is in the whole that it is a part of.
    """
    value = usage_value(usage)
    if usage is None or value is None:
        return None
    read, written = (
        value.get("prompt_tokens_details", {}).get(name, 0) for name in ("cached_tokens", "cache_write_tokens")
    )
    return {
        "input_tokens": value["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        "output_tokens": value["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": value["total_tokens"],
    }
