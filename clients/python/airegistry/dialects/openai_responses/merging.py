"""Fields of the target's own format beside those of the canonical request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airegistry.errors import InvalidArgumentError

_OWNED: Final = frozenset(
    (
        "model",
        "input",
        "instructions",
        "stream",
        "max_output_tokens",
        "temperature",
        "top_p",
        "tool_choice",
        "parallel_tool_calls",
        "top_logprobs",
        "user",
    )
)
"""Wire fields that the canonical request owns; `extra` must not repeat them."""

_SHARED: Final = frozenset(("tools", "include", "text", "reasoning"))
"""Wire fields of which the canonical request has a part: `extra` may add built-in tools, or `text.verbosity`."""


def merge(body: dict[str, Any], extra: Mapping[str, Any]) -> None:
    """Add *extra* to a body. Raises InvalidArgumentError for what the request itself says already."""
    for name, value in extra.items():
        path = f"chat.extra.{name}"
        if name in _OWNED:
            raise _repeated(path)
        body[name] = _joined(body[name], value, path) if name in _SHARED and name in body else value


def _joined(ours: Any, theirs: Any, path: str) -> Any:
    if isinstance(ours, list) and isinstance(theirs, list):
        return [*ours, *(value for value in theirs if value not in ours)]
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in _common(ours, theirs):
            raise _repeated(f"{path}.{name}")
        return {**ours, **theirs}
    raise _repeated(path)


def _common(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    return (name for name in theirs if name in ours)


def _repeated(path: str) -> InvalidArgumentError:
    return InvalidArgumentError.of(path, "repeats a field of the request itself")
