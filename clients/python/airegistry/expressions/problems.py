"""What is wrong with an expression, in words that a person understands, with the place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from google.protobuf import descriptor_pool

from airegistry.expressions.language import MESSAGES, PACKAGE, VARIABLES

_MOST = 3
_LINE = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?: \[[A-Z_]+\])?$", re.MULTILINE)
_NO_FIELD = re.compile(r"undefined field '([^']*)' not found in struct '([^']*)'")
_NO_NAME = re.compile(r"undeclared reference to '([^']*)'")
_NO_OPERATION = re.compile(r"found no matching overload for '([^']*)' applied to '\((.*)\)'")
_NO_VALUE = re.compile(r"expression of type '.*' cannot be the operand of a select operation")
_TOO_DEEP = re.compile(r"recursion (depth|limit)")
_TOO_DEEP_WORDS = "is nested too deeply"
_NUMBERS = {"int", "uint", "double"}


def problems_in(report: str) -> Iterator[str]:
    """Yield the first problems in a report of the library, each with its place and, where one is near, a suggestion."""
    if _TOO_DEEP.search(report):
        yield _TOO_DEEP_WORDS
        return
    found = list(_LINE.finditer(report))[:_MOST]
    for match in found:
        yield f"{place(int(match[1]), int(match[2]))}{_in_words(match[3])}"
    if not found:
        yield report.partition("\n")[0]


def place(line: int, column: int) -> str:
    """Return a place in an expression, both counted from 1, as the beginning of a sentence; empty where there is none."""
    return f"line {line}, column {column}: " if line > 0 else ""


def place_of(text: str, offset: int) -> str:
    """Return the place of the character at an offset."""
    before = text[:offset]
    return place(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the known name that is nearest, as a question after a sentence; empty where none is near."""
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def type_in_words(name: str) -> str:
    """Return the name of a type as an expression would write it."""
    return name.lower() if name.isupper() else name.replace(f"{PACKAGE}.", "")


def _in_words(problem: str) -> str:
    if match := _NO_FIELD.search(problem):
        return _no_field(match[1], match[2])
    if match := _NO_NAME.search(problem):
        return _no_name(match[1])
    if _NO_VALUE.search(problem):
        return "there is no such field or value; values of enums are written like Health.HEALTH_SERVING"
    if match := _NO_OPERATION.search(problem):
        return _no_operation(match[1], match[2])
    # What the parser would have taken instead is a list of every kind of token.
    return problem.partition(" expecting {")[0].replace("Syntax error: ", "syntax error: ")


def _no_name(name: str) -> str:
    first, dot, _ = name.partition(".")
    near = suggestion(name, _enum_values()) if dot else ""
    return f"{name!r} is not known{near or suggestion(first, VARIABLES)}"


def _no_field(name: str, message: str) -> str:
    kind = message.removeprefix(f"{PACKAGE}.")
    fields = descriptor_pool.Default().FindMessageTypeByName(message).fields_by_name
    return f"{kind} has no field {name!r}{suggestion(name, fields)}"


def _no_operation(function: str, types: str) -> str:
    name = function.strip("_").replace("_", "") or function
    hint = ""
    if len(_NUMBERS.intersection(types.split(", "))) > 1:
        hint = (
            "; numbers must be of one kind: write 50.0 for a double, 50 for an int, or convert with double() or int()"
        )
    return f"{name!r} does not take ({types.replace(f'{PACKAGE}.', '')}){hint}"


def _enum_values() -> Iterator[str]:
    for _, message in MESSAGES.values():
        for enum in message.DESCRIPTOR.file.enum_types_by_name.values():
            yield from (f"{enum.name}.{value.name}" for value in enum.values)
