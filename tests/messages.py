"""Messages of any type, drawn from its descriptor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import strategies as st

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(-1e300, 1e300) | _TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=4,
)
_INT32, _INT64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
_UINT32, _UINT64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
_SCALARS: Mapping[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(),
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(width=32),
    FieldDescriptor.CPPTYPE_INT32: _INT32,
    FieldDescriptor.CPPTYPE_INT64: _INT64,
    FieldDescriptor.CPPTYPE_UINT32: _UINT32,
    FieldDescriptor.CPPTYPE_UINT64: _UINT64,
}
_NANOS = st.sampled_from([0, 1, 1_000, 500_000_000, 999_999_999])
_MAX_DEPTH = 3


def messages(descriptor: Descriptor, depth: int = 0) -> st.SearchStrategy[Any]:
    """Give messages of a type; enums may have numbers that they do not know."""
    made = message_factory.GetMessageClass(descriptor)
    if descriptor.full_name in _OWN:
        return _OWN[descriptor.full_name](made)
    fields = {} if depth > _MAX_DEPTH else {field.name: _field(field, depth + 1) for field in descriptor.fields}
    if not fields:
        return st.just(made())
    chosen = st.lists(st.sampled_from(sorted(fields)), max_size=5, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: fields[name] for name in names})).map(
        lambda values: made(**values)
    )


def _field(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        key, value = inner.fields_by_name["key"], inner.fields_by_name["value"]
        return st.dictionaries(_one(key, depth), _one(value, depth), max_size=2)
    return st.lists(_one(field, depth), max_size=2) if field.is_repeated else _one(field, depth)


def _one(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        inner = field.message_type
        return st.deferred(lambda: messages(inner, depth))
    if field.enum_type is not None:
        return st.sampled_from([*(value.number for value in field.enum_type.values), 1_000])
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=6)
    return _SCALARS.get(field.cpp_type, _TEXT)


def _times(made: Any) -> st.SearchStrategy[Any]:
    return st.builds(made, seconds=st.integers(-62_135_596_800, 253_402_300_799), nanos=_NANOS)


def _durations(made: Any) -> st.SearchStrategy[Any]:
    sizes = st.tuples(st.sampled_from([1, -1]), st.integers(0, 315_576_000_000 - 1), _NANOS)
    return sizes.map(lambda drawn: made(seconds=drawn[0] * drawn[1], nanos=drawn[0] * drawn[2]))


def _masks(made: Any) -> st.SearchStrategy[Any]:
    return st.builds(made, paths=st.lists(st.sampled_from(["labels", "model.display_name", "a_b.c"]), max_size=3))


def _structs(made: Any) -> st.SearchStrategy[Any]:
    def built(values: dict[str, Any]) -> Any:
        struct = made()
        struct.update(values)
        return struct

    return st.dictionaries(_TEXT, _JSON, max_size=3).map(built)


_OWN: Mapping[str, Callable[[Any], st.SearchStrategy[Any]]] = {
    "google.protobuf.Any": lambda made: st.just(made()),
    "google.protobuf.Duration": _durations,
    "google.protobuf.FieldMask": _masks,
    "google.protobuf.Struct": _structs,
    "google.protobuf.Timestamp": _times,
}
