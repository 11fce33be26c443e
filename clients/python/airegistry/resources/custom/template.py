"""Templates that write requests: the language of Jinja, bounded by the size of what they are given."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

import minijinja
import orjson

from airegistry.resources.custom.fields import VARIABLES
from airegistry.resources.custom.grammar import TemplateError, check_grammar

__all__ = ["MAX_TEMPLATE_BYTES", "Template", "TemplateError", "compile_template"]

MAX_TEMPLATE_BYTES: Final = 16 * 1024
MAX_OUTPUT: Final = 64 * 1024 * 1024
"""Characters, about, that one value written as JSON may have."""

_NAME: Final = "request"
# A step costs the engine 1, and so do 20 to 60 characters that go through a filter or out.
_FUEL: Final = 20_000
_FUEL_EACH: Final = 400


class Template:
    """One compiled template. `variables` are the names that it mentions."""

    __slots__ = ("_environment", "variables")

    def __init__(self, environment: minijinja.Environment, variables: frozenset[str]) -> None:
        self._environment = environment
        self.variables = variables

    def render(self, context: Mapping[str, Any]) -> str:
        """Return what the template gives, in a number of steps that the size of *context* allows. Raises TemplateError."""
        things, characters = _size(context)
        self._environment.fuel = _FUEL + _FUEL_EACH * things + characters
        try:
            return self._environment.render_template(_NAME, **context)
        except minijinja.TemplateError as error:
            raise _explained(error) from None
        except (TypeError, ValueError, RecursionError) as error:
            # Of a filter: what it was given is not what it takes.
            raise TemplateError(str(error) or "is nested too deeply") from None


@lru_cache(maxsize=1024)
def compile_template(source: str) -> Template:
    """Return a compiled template. Raises TemplateError."""
    if len(source.encode("utf-8", "surrogatepass")) > MAX_TEMPLATE_BYTES:
        raise TemplateError(f"must have at most {MAX_TEMPLATE_BYTES} bytes")
    check_grammar(source)
    environment = _environment()
    try:
        environment.add_template(_NAME, source)
        variables = frozenset(environment.undeclared_variables_in_template(_NAME)) - {"loop"}
    except minijinja.TemplateError as error:
        raise _explained(error) from None
    if unknown := sorted(variables - VARIABLES):
        raise TemplateError(f"mentions {', '.join(unknown)[:100]}, which no request has")
    return Template(environment, variables)


def _environment() -> minijinja.Environment:
    environment = minijinja.Environment(
        undefined_behavior="strict",
        pycompat=False,
        debug=False,
        auto_escape_callback=lambda _name: False,
        finalizer=_emitted,
        filters={"tojson": _tojson, "present": _present, "join": _join, "urlencode": _urlencode},
    )
    for name in ("range", "dict", "namespace", "debug"):
        environment.remove_global(name)
    return environment


def _emitted(value: Any) -> Any:
    """Write single values as JSON does; text goes out as it is."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return value
    raise TypeError("a list or an object goes out through the filter tojson")


def _tojson(value: Any) -> str:
    _, characters = _size(value)
    if characters > MAX_OUTPUT:
        raise ValueError(f"tojson would give more than {MAX_OUTPUT} characters")
    try:
        return orjson.dumps(value, default=_readable).decode()
    except orjson.JSONEncodeError as error:
        raise TypeError(f"tojson: {error}") from None


def _present(value: Any) -> dict[str, Any]:
    """Return an object without what is none."""
    if not isinstance(value, Mapping):
        raise TypeError("present takes an object")
    return {key: entry for key, entry in value.items() if entry is not None}


def _join(value: Any, separator: str = "") -> str:
    if not isinstance(value, list | tuple) or not all(isinstance(entry, str | int | float) for entry in value):
        raise TypeError("join takes a list of texts")
    return separator.join(map(str, value))


def _urlencode(value: Any) -> str:
    return quote(str(value), safe="")


def _size(value: Any) -> tuple[int, int]:
    """Return how many things and about how many characters are in a value; looks no further than MAX_OUTPUT."""
    things = characters = 0
    waiting = [value]
    while waiting and characters <= MAX_OUTPUT:
        found = waiting.pop()
        things += 1
        if isinstance(found, str):
            characters += len(found)
        elif isinstance(found, Mapping):
            characters += 8 * len(found)
            waiting.extend(found.values())
        elif isinstance(found, list | tuple):
            characters += 2 * len(found)
            waiting.extend(found)
    return things, characters


def _readable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _explained(error: minijinja.TemplateError) -> TemplateError:
    line = f"line {error.line}: " if error.line else ""
    if error.kind == "UndefinedError":
        return TemplateError(f"{line}something is mentioned that the request does not have")
    if error.kind == "OutOfFuel":
        return TemplateError(f"{line}takes too many steps")
    return TemplateError(f"{line}{(error.detail or error.kind)[:200]}")
