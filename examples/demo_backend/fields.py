"""Reading a JSON object field by field, with an error that names the field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from demo_backend.errors import ApiError, bad_parameter

if TYPE_CHECKING:
    from collections.abc import Collection

_KINDS: Final = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


class Fields:
    """One JSON object. A field that is absent or null has its default; `refuse_others` ends the reading."""

    def __init__(self, values: dict[str, Any], where: str = "") -> None:
        self._values = values
        self._where = where
        self._read: set[str] = set()

    def path(self, name: str) -> str:
        """Return where *name* stands in the request."""
        return f"{self._where}{name}"

    def take(self, name: str) -> Any:
        """Return the raw value of *name*, or None."""
        self._read.add(name)
        return self._values.get(name)

    def text(self, name: str) -> str | None:
        """Return a string."""
        value = self.take(name)
        if value is None or isinstance(value, str):
            return value
        raise self._wrong_type(name, "a string", value)

    def flag(self, name: str) -> bool | None:
        """Return a boolean."""
        value = self.take(name)
        if value is None or isinstance(value, bool):
            return value
        raise self._wrong_type(name, "a boolean", value)

    def whole(self, name: str, low: int | None = None, high: int | None = None) -> int | None:
        """Return an integer, from *low* to *high* inclusive."""
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong_type(name, "an integer", value)
        self._in_range(name, value, low, high)
        return value

    def number(self, name: str, low: float, high: float) -> float | None:
        """Return a number from *low* to *high* inclusive."""
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong_type(name, "a number", value)
        self._in_range(name, value, low, high)
        return float(value)

    def nested(self, name: str) -> Fields | None:
        """Return a nested object."""
        value = self.take(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._wrong_type(name, "an object", value)
        return Fields(value, f"{self.path(name)}.")

    def items(self, name: str) -> list[Any] | None:
        """Return an array, its items unread."""
        value = self.take(name)
        if value is None or isinstance(value, list):
            return value
        raise self._wrong_type(name, "an array", value)

    def ignore(self, names: Collection[str]) -> None:
        """Accept *names* that change nothing here."""
        self._read.update(names)

    def refuse(self, name: str, message: str) -> None:
        """Fail when *name* is given: it asks for something that this server cannot do."""
        if self.take(name) is not None:
            raise bad_parameter(self.path(name), message, "unsupported_parameter")

    def refuse_others(self) -> None:
        """Fail on the first field that nobody read."""
        for name in self._values:
            if name not in self._read:
                raise bad_parameter(
                    self.path(name),
                    f"Unrecognized request argument supplied: {self.path(name)}",
                    "unknown_parameter",
                )

    def _wrong_type(self, name: str, wanted: str, value: object) -> ApiError:
        return bad_parameter(
            self.path(name),
            f"Invalid type for '{self.path(name)}': expected {wanted}, got {kind(value)}.",
            "invalid_type",
        )

    def _in_range(self, name: str, value: float, low: float | None, high: float | None) -> None:
        # Written so that NaN is outside of every range.
        if (low is None or value >= low) and (high is None or value <= high):
            return
        bound = f"at most {high}" if low is None or value >= low else f"at least {low}"
        raise bad_parameter(self.path(name), f"Invalid '{self.path(name)}': must be {bound}.")


def fields_from_json(body: bytes) -> Fields:
    """Read the object that a request's body must be."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, "We could not parse the JSON body of your request.") from None
    if not isinstance(value, dict):
        raise ApiError(400, f"The JSON body of your request must be an object, got {kind(value)}.")
    return Fields(value)


def kind(value: object) -> str:
    """Return what JSON calls the type of *value*, with its article."""
    return _KINDS[type(value)]
