"""Token counts at declared paths, as canonical ones, which do not overlap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.invocations.usage import Usage
from airegistry.resources.custom.paths import Path

_PREFIX: Final = "usage."
_COUNTS: Final[tuple[str, ...]] = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
)


class Counter:
    """Keeps the counts of one answer; a stream may tell them bit by bit, and again."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = {name.removeprefix(_PREFIX): path for name, path in paths.items() if name.startswith(_PREFIX)}
        self._counts: dict[str, int] = {}
        self._said: Usage | None = None

    def take(self, value: Any) -> Usage | None:
        """Return the usage when *value* changes what is known of it."""
        for name, path in self._paths.items():
            count = reading.count({name: path.find(value)}, name, "usage")
            if count is not None:
                self._counts[name] = count
        usage = self._usage() if self._counts else None
        if usage == self._said:
            return None
        self._said = usage
        return usage

    def _usage(self) -> Usage:
        counts: dict[str, Any] = {name: self._counts[name] for name in _COUNTS if name in self._counts}
        usage = Usage(**counts)
        if (total := self._counts.get("all_input_tokens")) is not None:
            parts = (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
            usage = replace(usage, input_tokens=max(0, total - parts))
        if (total := self._counts.get("all_output_tokens")) is not None:
            usage = replace(usage, output_tokens=max(0, total - (usage.reasoning_tokens or 0)))
        return usage
