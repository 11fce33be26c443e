"""JMESPath as registrants may use it: without what copies a value, so that no path gives more than it was given."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

MAX_PATH_BYTES: Final = 512

# `[@, @][] | [@, @][] | …` doubles with each step, and `to_string` writes out what was only referred to.
_REFUSED: Final = {
    "multi_select_list": "a list of several expressions",
    "multi_select_dict": "an object of expressions",
}
_FUNCTIONS: Final = frozenset(
    {
        "abs",
        "avg",
        "ceil",
        "contains",
        "ends_with",
        "floor",
        "join",
        "keys",
        "length",
        "max",
        "min",
        "not_null",
        "reverse",
        "starts_with",
        "sum",
        "to_array",
        "to_number",
        "type",
        "values",
    }
)


class PathError(ValueError):
    """What is wrong with a path; its text never repeats the path."""


class Path:
    """One compiled path."""

    __slots__ = ("_expression",)

    def __init__(self, expression: ParsedResult) -> None:
        self._expression = expression

    def find(self, value: Any) -> Any:
        """Return what is there; None when nothing is, or when it is not what a function of the path needs."""
        try:
            return self._expression.search(value)
        except (JMESPathError, TypeError, ValueError, ArithmeticError):
            return None


@lru_cache(maxsize=4096)
def compile_path(source: str) -> Path:
    """Return a compiled path. Raises PathError."""
    if len(source.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES:
        raise PathError(f"must have at most {MAX_PATH_BYTES} bytes")
    if not source.strip():
        raise PathError("is required")
    try:
        expression = jmespath.compile(source)
        _check(expression.parsed)
    except JMESPathError as error:
        raise PathError(f"is not a JMESPath expression{_where(error)}") from None
    except RecursionError:
        raise PathError("is nested too deeply") from None
    return Path(expression)


def compile_paths(sources: Mapping[str, str]) -> dict[str, Path]:
    """Return compiled paths under the names of their sources."""
    return {name: compile_path(source) for name, source in sources.items()}


def _check(node: Mapping[str, Any]) -> None:
    kind = node["type"]
    if kind in _REFUSED:
        raise PathError(f"must not make {_REFUSED[kind]}; name another field, or choose with ||")
    if kind == "function_expression" and node["value"] not in _FUNCTIONS:
        raise PathError(f"may call only {', '.join(sorted(_FUNCTIONS))}")
    for child in node["children"]:
        if isinstance(child, dict):
            _check(child)


def _where(error: JMESPathError) -> str:
    position = getattr(error, "lex_position", None)
    return f", at character {position + 1}" if isinstance(position, int) and position >= 0 else ""
