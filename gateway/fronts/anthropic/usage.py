"""Usage in Anthropic's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.invocations.usage import Usage

REST: Final = ("service_tier", "inference_geo", "server_tool_use", "speed")
"""What providers of this format tell among their counts, and what therefore goes back there."""


def usage_value(usage: Usage | None, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return Anthropic's counts: the input without what a cache served or stored, the output with its thinking.

    The format demands numbers, so that what nobody counted is 0 here; the account beside it says what is not known.
    """
    usage = usage or Usage()
    written = _sum(usage.cache_write_tokens, usage.cache_write_1h_tokens)
    value: dict[str, Any] = {
        "input_tokens": _sum(usage.input_tokens, usage.input_audio_tokens) or 0,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": _sum(usage.output_tokens, usage.reasoning_tokens, usage.output_audio_tokens) or 0,
    }
    if usage.cache_write_1h_tokens is not None:
        value["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens or 0,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        }
    if usage.reasoning_tokens is not None:
        value["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    rest = {name: extra[name] for name in REST if name in extra} if extra else {}
    return {**{name: count for name, count in value.items() if count is not None}, **rest}


def unknown_counts(usage: Usage | None) -> list[str]:
    """Return which of the counts that every call has nobody told."""
    usage = usage or Usage()
    return [name for name in ("input_tokens", "output_tokens") if getattr(usage, name) is None]


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
