"""The rules for single values, shared by all kinds; each yields what is wrong, by the value's path.

No message repeats a value: it may be long, or a secret that was put into the wrong field.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from airegistry.errors import FieldViolation, InvalidArgumentError
from airegistry.resources.names import parse_name, valid_id
from airegistry.resources.resource import ResourceKind

T = TypeVar("T")
Violations = Iterator[FieldViolation]

MAX_DESCRIPTION_BYTES = 8 * 1024
MAX_LABEL_VALUE_BYTES = 256
MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1
# The bound of google.protobuf.Duration, in seconds.
MAX_DURATION = 315_576_000_000

_LABEL_KEY = re.compile(r"[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?")
_CREDENTIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SCHEMES = ("http", "https", "grpc", "grpcs")
_SHOWN_KEY_LENGTH = 64


def required(value: str, path: str) -> Violations:
    """Refuse an empty text."""
    if not value:
        yield FieldViolation(path, "is required")


def text(value: str, path: str, *, max_bytes: int = MAX_DESCRIPTION_BYTES) -> Violations:
    """Refuse a text that is too long."""
    # A character has one to four bytes; only what is between needs encoding.
    if len(value) * 4 > max_bytes and (size := len(value.encode("utf-8", "surrogatepass"))) > max_bytes:
        yield FieldViolation(path, f"must have at most {max_bytes} bytes, has {size}")


def identifier(value: str, path: str) -> Violations:
    """Refuse what does not have the form of an id."""
    if not valid_id(value):
        problem = "has the wrong form: 1 to 128 of a-z 0-9 . _ -, with a letter or digit at both ends"
        yield FieldViolation(path, problem if value else "is required")


def name_of(*kinds: ResourceKind) -> Callable[[str, str], Violations]:
    """Return the rule for a name of a resource of one of *kinds*."""
    wanted = " or ".join(kind.name.lower() for kind in kinds)

    def check(value: str, path: str) -> Violations:
        try:
            fits = parse_name(value).kind in kinds
        except InvalidArgumentError:
            fits = False
        if not fits:
            yield FieldViolation(path, f"must be the name of a {wanted}" if value else "is required")

    return check


def credential(value: str, path: str) -> Violations:
    """Refuse what is neither empty nor the name of a credential."""
    if value and not _CREDENTIAL.fullmatch(value):
        yield FieldViolation(
            path, "is not a credential's name: 1 to 128 letters, digits, . _ -, beginning with a letter or digit"
        )


def whole(value: int | None, path: str, *, low: int = 0, high: int = MAX_INT64) -> Violations:
    """Refuse a whole number out of bounds."""
    if value is not None and not low <= value <= high:
        yield FieldViolation(path, f"must be {_bounds(low, high)}")


def number(value: float | None, path: str, *, low: float = -math.inf, high: float = math.inf) -> Violations:
    """Refuse a number that is out of bounds or not finite."""
    if value is None:
        return
    if not math.isfinite(value):
        yield FieldViolation(path, "must be a finite number")
    elif not low <= value <= high:
        yield FieldViolation(path, f"must be {_bounds(low, high)}")


def positive(value: float | None, path: str) -> Violations:
    """Refuse a number that is not above zero or not finite."""
    if value is not None and not (math.isfinite(value) and value > 0):
        yield FieldViolation(path, "must be a finite number above 0")


def share(value: float | None, path: str) -> Violations:
    """Refuse what is not in [0, 1]."""
    yield from number(value, path, low=0, high=1)


def duration(value: float | None, path: str) -> Violations:
    """Refuse a negative duration."""
    yield from number(value, path, low=0, high=MAX_DURATION)


def timeout(value: float | None, path: str) -> Violations:
    """Refuse a duration in which nothing can be done."""
    if value is not None and not 0 < value <= MAX_DURATION:
        yield FieldViolation(path, "must be a finite duration above 0")


def url(value: str, path: str, *, allow_query: bool = False) -> Violations:
    """Refuse what is not an absolute URL, or has parts where secrets are put."""
    problem = _url_problem(value, allow_query=allow_query)
    if problem:
        yield FieldViolation(path, problem)


def labels(value: Mapping[str, str], path: str, *, most: int) -> Violations:
    """Refuse labels with keys or values of the wrong form."""
    yield from size(value, path, most=most)
    for key, entry in limited(value.items(), most=most):
        where = at_key(path, key)
        if not valid_label_key(key):
            yield FieldViolation(where, "a label's key has 1 to 63 of a-z 0-9 . _ / -, a letter or digit at both ends")
        yield from text(entry, where, max_bytes=MAX_LABEL_VALUE_BYTES)


def valid_label_key(key: str) -> bool:
    """Say whether *key* can be a label's key."""
    return _LABEL_KEY.fullmatch(key) is not None


def size(values: Collection[object], path: str, *, most: int, least: int = 0) -> Violations:
    """Refuse too many or too few entries."""
    if not least <= len(values) <= most:
        bound = f"at most {most}" if len(values) > most else f"at least {least}"
        yield FieldViolation(path, f"must have {bound} entries, has {len(values)}")


def each(
    values: Sequence[T], path: str, check: Callable[[T, str], Violations], *, most: int = MAX_INT32, least: int = 0
) -> Violations:
    """Refuse every entry that *check* refuses; when there are too many, nothing but their number is checked."""
    if not least <= len(values) <= most:
        yield from size(values, path, most=most, least=least)
        values = () if len(values) > most else values
    for i, value in enumerate(values):
        yield from check(value, f"{path}[{i}]")


def limited(values: Collection[T], *, most: int) -> Collection[T]:
    """Return the values, or none of them when there are too many to be worth a look."""
    return values if len(values) <= most else ()


def at_key(path: str, key: str) -> str:
    """Return the path of an entry of a map; an overlong key is cut."""
    return f"{path}[{key if len(key) <= _SHOWN_KEY_LENGTH else key[:_SHOWN_KEY_LENGTH] + '…'}]"


def _bounds(low: float, high: float) -> str:
    if high in (math.inf, MAX_INT64, MAX_INT32, MAX_DURATION):
        return f"{low} or more, and not too large to be stored"
    return f"between {low} and {high}"


def _url_problem(value: str, *, allow_query: bool) -> str:
    # urlsplit drops control characters instead of refusing them, and gRPC and HTTP libraries differ about backslashes.
    if any(char <= " " or char in "\\\x7f" for char in value):
        return "must not hold spaces, control characters or backslashes"
    parts = _split(value)
    if parts is None or parts.scheme not in _SCHEMES or not parts.hostname:
        return "must be an absolute http, https, grpc or grpcs URL"
    if "@" in parts.netloc:
        return "must not hold a user or password"
    if "#" in value or ("?" in value and not allow_query):
        return "must not have a fragment" if allow_query else "must not have a query or fragment"
    return ""


def _split(value: str) -> SplitResult | None:
    try:
        parts = urlsplit(value)
        _ = parts.port  # Looked at only for its ValueError.
    except ValueError:
        return None
    return parts
