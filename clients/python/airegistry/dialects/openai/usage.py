"""OpenAI's token counts, which overlap, as canonical ones, which do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airegistry.dialects import reading
from airegistry.invocations.usage import Usage


def usage_of(answer: Mapping[str, Any], path: str = "usage") -> Usage | None:
    """Return the usage that an answer, or a chunk of one, tells; None when it does not."""
    said = answer.get("usage")
    if said is None:
        return None
    counts = reading.mapping(said, path)
    prompt = reading.count(counts, "prompt_tokens", path)
    completion = reading.count(counts, "completion_tokens", path)
    if prompt is None and completion is None:
        return None
    fresh, read, written, heard = _input(counts, prompt, path)
    visible, reasoning, spoken = _output(counts, completion, path)
    return Usage(
        input_tokens=fresh,
        cache_read_tokens=read,
        cache_write_tokens=written,
        output_tokens=visible,
        reasoning_tokens=reasoning,
        input_audio_tokens=heard,
        output_audio_tokens=spoken,
    )


def embeddings_usage_of(answer: Mapping[str, Any]) -> Usage | None:
    """Return the usage of an embeddings answer, which has no output tokens by nature."""
    usage = usage_of(answer)
    return None if usage is None else Usage(input_tokens=usage.input_tokens, output_tokens=0)


def _input(counts: Mapping[str, Any], prompt: int | None, path: str) -> tuple[int | None, ...]:
    details = reading.nested(counts, "prompt_tokens_details", path)
    read = reading.count(details, "cached_tokens", path)
    if read is None:
        # DeepSeek's older spelling.
        read = reading.count(counts, "prompt_cache_hit_tokens", path)
    written = reading.count(details, "cache_write_tokens", path)
    return split(prompt, read, written, reading.count(details, "audio_tokens", path))


def _output(counts: Mapping[str, Any], completion: int | None, path: str) -> tuple[int | None, ...]:
    details = reading.nested(counts, "completion_tokens_details", path)
    reasoning = reading.count(details, "reasoning_tokens", path)
    if completion is not None and reasoning and _apart(counts, completion, reasoning, path):
        completion += reasoning
    return split(completion, reasoning, reading.count(details, "audio_tokens", path))


def _apart(counts: Mapping[str, Any], completion: int, reasoning: int, path: str) -> bool:
    """Whether the reasoning tokens come on top of the completion tokens, as the total betrays (xAI counts so)."""
    total = reading.count(counts, "total_tokens", path)
    return total == (reading.count(counts, "prompt_tokens", path) or 0) + completion + reasoning


def split(total: int | None, *parts: int | None) -> tuple[int | None, ...]:
    """Return what is left of a total, and its parts, so that the counts are disjoint and add up to what was said."""
    left = total
    counts: list[int | None] = []
    for part in parts:
        # A cached audio token is in two parts: what an earlier one took is not there any more.
        taken = part if part is None or left is None else max(0, min(part, left))
        left = left if left is None or taken is None else left - taken
        counts.append(taken)
    return (left, *counts)
