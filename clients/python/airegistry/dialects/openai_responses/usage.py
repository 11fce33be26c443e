"""The token counts of the Responses API, which overlap, as canonical ones, which do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airegistry.dialects import reading
from airegistry.dialects.openai.usage import split
from airegistry.invocations.usage import Usage


def usage_of(response: Mapping[str, Any]) -> Usage | None:
    """Return the usage that a response tells; None when it does not."""
    counts = reading.nested(response, "usage", "response")
    total_in, total_out = (reading.count(counts, name, "usage") for name in ("input_tokens", "output_tokens"))
    if total_in is None and total_out is None:
        return None
    inside = reading.nested(counts, "input_tokens_details", "usage")
    read, written = (reading.count(inside, name, "usage") for name in ("cached_tokens", "cache_write_tokens"))
    outside = reading.nested(counts, "output_tokens_details", "usage")
    fresh, read, written = split(total_in, read, written)
    visible, reasoning = split(total_out, reading.count(outside, "reasoning_tokens", "usage"))
    return Usage(
        input_tokens=fresh,
        cache_read_tokens=read,
        cache_write_tokens=written,
        output_tokens=visible,
        reasoning_tokens=reasoning,
    )
