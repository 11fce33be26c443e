"""Canonical fields in the words of a caller of the Responses API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from airegistry.errors import FieldViolation, InvalidArgumentError

_CANONICAL: Final = re.compile(r"^(?:invocation\.)?chat\.(?:extra\.)?(.*)$")
_BLOCK: Final = re.compile(r"^messages\[(\d+)\](?:\.content\[(\d+)\])?")
_TOOL: Final = re.compile(r"^tools\[(\d+)\]")
_RENAMED: Final = {"response_format": "text.format", "messages": "input"}


class Words:
    """Knows where in a request each block and each tool stands."""

    def __init__(self, places: Sequence[Sequence[str]], tools: Sequence[str]) -> None:
        self._places = places
        self._tools = tools

    @contextmanager
    def spoken(self) -> Iterator[None]:
        """Let an error name fields as the caller does."""
        try:
            yield
        except InvalidArgumentError as error:
            named = (FieldViolation(self.name(v.field), v.description) for v in error.violations)
            error.violations = tuple(named)
            raise

    def name(self, field: str) -> str:
        """Return the caller's name of a field."""
        canonical = _CANONICAL.match(field)
        if canonical is None:
            return field
        path = canonical[1]
        if (block := _BLOCK.match(path)) is not None:
            return self._place(int(block[1]), int(block[2] or 0))
        if (tool := _TOOL.match(path)) is not None and int(tool[1]) < len(self._tools):
            return self._tools[int(tool[1])] + path[tool.end() :]
        for ours, theirs in _RENAMED.items():
            if path == ours or path.startswith(f"{ours}."):
                return theirs + path[len(ours) :]
        return path

    def _place(self, turn: int, block: int) -> str:
        places = self._places[turn] if turn < len(self._places) else ()
        return places[block] if block < len(places) else "input"
