"""Numbers in the JSON of A2A, which knows no others than doubles."""

from __future__ import annotations

from typing import Any, Final

EXACT: Final = 2**53
"""Up to here every whole number is a double of its own."""


def with_whole_numbers(value: Any) -> Any:
    """Return JSON in which what is whole looks so: on the wire every number is a double."""
    if isinstance(value, dict):
        return {name: with_whole_numbers(one) for name, one in value.items()}
    if isinstance(value, list):
        return [with_whole_numbers(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT else value
