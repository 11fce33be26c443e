"""Anthropic's token counts as canonical ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.invocations.usage import Usage

_REST: Final = ("service_tier", "inference_geo", "server_tool_use", "speed")


class Counts:
    """What the events of one answer tell of its usage. Each count is a total so far, and a later one replaces it."""

    def __init__(self) -> None:
        self._said: dict[str, Any] = {}

    def take(self, said: Mapping[str, Any], path: str) -> None:
        """Take the `usage` of an event; what it leaves out stands as it was."""
        self._said.update({name: value for name, value in said.items() if value is not None})
        # Read now, so that a wrong count is found at its event.
        self.usage(path)

    def usage(self, path: str = "usage") -> Usage:
        """Return the usage so far. Anthropic's input excludes what a cache served or stored; its output holds thinking."""
        said = self._said
        written, hour = _written(said, path)
        output = reading.count(said, "output_tokens", path)
        thought = reading.count(reading.nested(said, "output_tokens_details", path), "thinking_tokens", path)
        if output is not None and thought is not None:
            thought = min(thought, output)
            output -= thought
        return Usage(
            input_tokens=reading.count(said, "input_tokens", path),
            cache_read_tokens=reading.count(said, "cache_read_input_tokens", path),
            cache_write_tokens=written,
            cache_write_1h_tokens=hour,
            output_tokens=output,
            reasoning_tokens=thought,
        )

    @property
    def told(self) -> bool:
        """Whether anything was counted."""
        return "input_tokens" in self._said or "output_tokens" in self._said

    def rest(self) -> dict[str, Any]:
        """Return what stands among the counts and is none."""
        return {name: self._said[name] for name in _REST if name in self._said}


def _written(said: Mapping[str, Any], path: str) -> tuple[int | None, int | None]:
    """Return what was written to the cache for five minutes and for an hour, each token once."""
    total = reading.count(said, "cache_creation_input_tokens", path)
    split = reading.nested(said, "cache_creation", path)
    hour = reading.count(split, "ephemeral_1h_input_tokens", path)
    if total is None:
        return reading.count(split, "ephemeral_5m_input_tokens", path), hour
    if hour is None:
        return total, None
    # The total counts both; a later total without its parts goes to the shorter time.
    hour = min(hour, total)
    return total - hour, hour
