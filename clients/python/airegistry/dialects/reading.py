"""Reading JSON that a stranger wrote: a value of another type than expected is a MalformedAnswerError with its path."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, Final

import orjson

from airegistry.dialects.events.sse import BOM
from airegistry.errors import MalformedAnswerError

_DEEPEST: Final = 200
"""More cannot be written again: the parser reads 1,024 levels, and writes 254."""
_MOST: Final = 2**63 - 1
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_STEPS: Final = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in _STEPS)


def json_of(data: bytes, what: str) -> Any:
    """Parse JSON. The error names *what* it is, never the data: it may hold a prompt."""
    try:
        value = orjson.loads(data.removeprefix(BOM))
    except orjson.JSONDecodeError:
        pass
    else:
        if _levels(data) > _DEEPEST:
            raise MalformedAnswerError(f"{what} is nested more than {_DEEPEST} levels deep")
        return value
    # Outside of the handler: the parser's error would come along, and it holds all that was parsed.
    raise MalformedAnswerError(f"{what} is {_looks_like(data)}")


def _levels(data: bytes) -> int:
    """Count how deeply JSON is nested; 0 where it has too few brackets to be too deep, which is quick to see."""
    if len(data) <= 2 * _DEEPEST or len(data.translate(None, _NO_BRACKETS)) <= 2 * _DEEPEST:
        return 0
    brackets = _STRING.sub(b"", data).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def json_text(value: Any) -> str:
    """Return a parsed value as JSON text again."""
    return orjson.dumps(value).decode()


def mapping(value: Any, path: str) -> Mapping[str, Any]:
    """Return *value* as an object."""
    if isinstance(value, dict):
        return value
    raise _wrong(path, "an object")


def text(values: Mapping[str, Any], key: str, path: str) -> str:
    """Return a string; empty when it is absent or null."""
    value = values.get(key)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise _wrong(f"{path}.{key}", "a string")


def number(values: Mapping[str, Any], key: str, path: str) -> float | None:
    """Return a number; None when it is absent or null."""
    value = values.get(key)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise _wrong(f"{path}.{key}", "a number")


def whole(values: Mapping[str, Any], key: str, path: str) -> int | None:
    """Return a whole number; None when it is absent or null. A fraction, as some give for times, is cut off."""
    value = number(values, key, path)
    if value is not None and not -_MOST - 1 <= value <= _MOST:
        raise _wrong(f"{path}.{key}", "a number of 64 bits")
    return None if value is None else int(value)


def count(values: Mapping[str, Any], key: str, path: str) -> int | None:
    """Return a whole number that is not negative; None when it is absent or null."""
    given = values.get(key)
    if given is None or (type(given) is int and 0 <= given <= _MOST):
        return given
    value = whole(values, key, path)
    if value is not None and value < 0:
        raise _wrong(f"{path}.{key}", "a count, not negative")
    return value


def items(values: Mapping[str, Any], key: str, path: str) -> list[Any]:
    """Return a list of anything; empty when it is absent or null."""
    value = values.get(key)
    if value is None or isinstance(value, list):
        return value or []
    raise _wrong(f"{path}.{key}", "an array")


def objects(values: Mapping[str, Any], key: str, path: str) -> list[Mapping[str, Any]]:
    """Return a list of objects; empty when it is absent or null."""
    found = items(values, key, path)
    for i, item in enumerate(found):
        if not isinstance(item, dict):
            raise _wrong(f"{path}.{key}[{i}]", "an object")
    return found


def nested(values: Mapping[str, Any], key: str, path: str) -> Mapping[str, Any]:
    """Return an object; empty when it is absent or null."""
    value = values.get(key)
    return {} if value is None else mapping(value, f"{path}.{key}")


def base64_bytes(value: str, path: str) -> bytes:
    """Return what base64 text stands for."""
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedAnswerError(f"{path} is not base64") from error


def _wrong(path: str, kind: str) -> MalformedAnswerError:
    return MalformedAnswerError(f"{path} is not {kind}")


def _looks_like(data: bytes) -> str:
    start = data[:64].lstrip().lower()
    if not start:
        return "empty"
    return "HTML, not JSON" if start.startswith(b"<") else "not valid JSON"
