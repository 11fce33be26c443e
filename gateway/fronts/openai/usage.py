"""Usage in OpenAI's terms."""

from __future__ import annotations

from typing import Any

from airegistry.invocations.usage import Usage


def usage_value(usage: Usage | None) -> dict[str, Any] | None:
    """Return OpenAI's counts, which overlap. None when either side is unknown: a 0 there would be a lie."""
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    written = _sum(usage.cache_write_tokens, usage.cache_write_1h_tokens)
    prompt = _sum(usage.input_tokens, usage.cache_read_tokens, written, usage.input_audio_tokens) or 0
    completion = _sum(usage.output_tokens, usage.reasoning_tokens, usage.output_audio_tokens) or 0
    value: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if details := _known(
        cached_tokens=usage.cache_read_tokens, cache_write_tokens=written, audio_tokens=usage.input_audio_tokens
    ):
        value["prompt_tokens_details"] = details
    if details := _known(reasoning_tokens=usage.reasoning_tokens, audio_tokens=usage.output_audio_tokens):
        value["completion_tokens_details"] = details
    return value


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _known(**counts: int | None) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count is not None}
