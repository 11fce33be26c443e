"""Requests of the Open Inference Protocol as values: what a dialect builds, and the transport turns into messages."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

Parameter = bool | int | str

_PACKED: Final = {
    "BOOL": "?",
    "INT8": "b",
    "INT16": "<h",
    "INT32": "<i",
    "INT64": "<q",
    "UINT8": "B",
    "UINT16": "<H",
    "UINT32": "<I",
    "UINT64": "<Q",
    "FP32": "<f",
    "FP64": "<d",
}
DATATYPES: Final = frozenset({"BYTES", *_PACKED})
"""The types that a tensor can be written in."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor; its elements as they go over the wire."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A request to a model."""

    model: str
    inputs: tuple[Tensor, ...]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


def packed(values: Iterable[str | bytes | float], datatype: str) -> bytes:
    """Return elements as they go over the wire.

    Raises ValueError for an element that the type cannot hold, and KeyError for a type that is none.
    """
    if datatype == "BYTES":
        texts = [str(value).encode() if not isinstance(value, bytes) else value for value in values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    form = struct.Struct(_PACKED[datatype])
    whole = datatype.startswith(("INT", "UINT"))
    try:
        return b"".join(form.pack(int(value) if whole else value) for value in values)
    except struct.error as error:
        raise ValueError(f"is no {datatype}") from error
