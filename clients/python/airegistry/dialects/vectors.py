"""Vectors that a stranger wrote, as rows of 32-bit floats."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from airegistry.errors import MalformedAnswerError
from airegistry.invocations.embeddings import Embedding


def row_of(value: Any, path: str) -> tuple[float, ...]:
    """Return an array of numbers as 32-bit floats."""
    if not isinstance(value, list) or not value:
        raise MalformedAnswerError(f"{path} is no vector")
    try:
        return struct.unpack(f"<{len(value)}f", struct.pack(f"<{len(value)}f", *value))
    except (struct.error, OverflowError) as error:
        raise MalformedAnswerError(f"{path} has components that are no 32-bit floats") from error


def rows_of(value: Any, path: str, *, wanted: int) -> tuple[Embedding, ...]:
    """Return an array of vectors, one per input, in the order of the inputs."""
    if not isinstance(value, list):
        raise MalformedAnswerError(f"{path} is not an array")
    check_count(value, wanted)
    return tuple(Embedding(i, row_of(row, f"{path}[{i}]")) for i, row in enumerate(value))


def check_count(vectors: Sequence[Any], wanted: int) -> None:
    """Raise MalformedAnswerError unless there is a vector per input."""
    if len(vectors) != wanted:
        raise MalformedAnswerError(f"the answer has {len(vectors)} vectors for {wanted} inputs")
