"""What Text Embeddings Inference counted: it tells in a header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from airegistry.invocations.usage import Usage

_DIGITS: Final = 15


def usage_of(headers: Mapping[str, str]) -> Usage | None:
    """Return the usage of a call that gives no tokens by nature; None when nothing was told."""
    said = headers.get("x-compute-tokens", "").strip()
    if not (said.isascii() and said.isdecimal() and len(said) <= _DIGITS):
        return None
    return Usage(input_tokens=int(said), output_tokens=0)
