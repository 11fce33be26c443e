"""Which dataclass fields stand for which message fields."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor


def field_types(cls: type, descriptor: Descriptor) -> dict[str, Any]:
    """Return the type of one element of each field of *cls*; TypeError when it does not mirror *descriptor*."""
    ours = {field.name for field in dataclasses.fields(cls)}
    theirs = {field.name for field in descriptor.fields}
    if ours != theirs:
        raise TypeError(f"{cls.__name__} does not mirror {descriptor.full_name}: {sorted(ours ^ theirs)}")
    return {name: _element(hint) for name, hint in typing.get_type_hints(cls).items() if name in ours}


def map_value(field: FieldDescriptor) -> FieldDescriptor | None:
    """Return the field of a map's values; None when *field* is not a map."""
    entry = field.message_type
    return entry.fields_by_name["value"] if entry is not None and entry.GetOptions().map_entry else None


def _element(hint: Any) -> Any:
    """Strip `| None`, `tuple[…, ...]` and `Mapping[str, …]` from a type."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        (hint,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
        return _element(hint)
    if origin is tuple:
        return _element(typing.get_args(hint)[0])
    if origin is not None and issubclass(origin, Mapping):
        return _element(typing.get_args(hint)[1])
    return hint
