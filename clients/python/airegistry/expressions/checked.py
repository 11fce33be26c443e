"""The checked form of an expression, as far as it is looked into and rewritten here.

CEL's library hands it out serialized as `cel.expr.CheckedExpr`, a published and stable format. The messages are declared
here because no Python package of their own has them; the fields that are left out travel on as unknown ones.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "cel.expr"
_REPEATED = "*"
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _Field.TYPE_BOOL,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "string": _Field.TYPE_STRING,
}
# Message, then its fields: name, number, type; a star marks a list. A map travels as a list of its entries.
_MESSAGES: dict[str, tuple[tuple[str, int, str], ...]] = {
    "CheckedExpr": (("type_map", 3, "TypeEntry*"), ("expr", 4, "Expr"), ("source_info", 5, "SourceInfo")),
    "TypeEntry": (("key", 1, "int64"), ("value", 2, "Type")),
    "Type": (("message_type", 9, "string"),),
    "SourceInfo": (("positions", 4, "Position*"),),
    "Position": (("key", 1, "int64"), ("value", 2, "int32")),
    "Constant": (("string_value", 6, "string"),),
    "Ident": (("name", 1, "string"),),
    "Select": (("operand", 1, "Expr"), ("field", 2, "string"), ("test_only", 3, "bool")),
    "Call": (("target", 1, "Expr"), ("function", 2, "string"), ("args", 3, "Expr*")),
    "CreateList": (("elements", 1, "Expr*"),),
    "CreateStruct": (("message_name", 1, "string"), ("entries", 2, "Entry*")),
    "Entry": (("map_key", 3, "Expr"), ("value", 4, "Expr")),
    "Comprehension": (
        ("iter_var", 1, "string"),
        ("iter_range", 2, "Expr"),
        ("accu_init", 4, "Expr"),
        ("loop_condition", 5, "Expr"),
        ("loop_step", 6, "Expr"),
        ("result", 7, "Expr"),
    ),
    "Expr": (
        ("id", 2, "int64"),
        ("const_expr", 3, "Constant"),
        ("ident_expr", 4, "Ident"),
        ("select_expr", 5, "Select"),
        ("call_expr", 6, "Call"),
        ("list_expr", 7, "CreateList"),
        ("struct_expr", 8, "CreateStruct"),
        ("comprehension_expr", 9, "Comprehension"),
    ),
}

# All fields but the id are alternatives.
_ONE_OF = ("Expr", "Constant")

Node: TypeAlias = Any
"""A `cel.expr.Expr`; the class is made at run time, so that a type checker cannot know its fields."""

Checked: TypeAlias = Any
"""A `cel.expr.CheckedExpr`."""


def unpacked(serialized: bytes) -> Checked:
    """Return the checked form in what the library serialized."""
    return _checked_class().FromString(any_pb2.Any.FromString(serialized).value)


def packed(checked: Checked) -> bytes:
    """Return a checked form as the library reads it."""
    url = f"type.googleapis.com/{_PACKAGE}.CheckedExpr"
    return bytes(any_pb2.Any(type_url=url, value=checked.SerializeToString()).SerializeToString())


def message_types(checked: Checked) -> dict[int, str]:
    """Return the full name of the message that each node of a message type gives, by the node's id."""
    return {entry.key: entry.value.message_type for entry in checked.type_map if entry.value.message_type}


def positions(checked: Checked) -> dict[int, int]:
    """Return where in the text each node stands, by the node's id."""
    return {entry.key: entry.value for entry in checked.source_info.positions}


def parts_of(node: Node) -> list[Node]:
    """Return the nodes right below a node."""
    kind = node.WhichOneof("kind")
    if kind == "select_expr":
        return [node.select_expr.operand]
    if kind == "call_expr":
        call = node.call_expr
        return [*((call.target,) if call.HasField("target") else ()), *call.args]
    if kind == "list_expr":
        return list(node.list_expr.elements)
    if kind == "struct_expr":
        entries = node.struct_expr.entries
        return [*(entry.map_key for entry in entries if entry.HasField("map_key")), *(each.value for each in entries)]
    if kind == "comprehension_expr":
        loop = node.comprehension_expr
        return [loop.iter_range, loop.accu_init, loop.loop_condition, loop.loop_step, loop.result]
    return []


@cache
def _checked_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="cel/expr/checked.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        _declare(file.message_type.add(name=name), fields)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.CheckedExpr"))


def _declare(message: descriptor_pb2.DescriptorProto, fields: tuple[tuple[str, int, str], ...]) -> None:
    if message.name in _ONE_OF:
        message.oneof_decl.add(name="kind")
    for name, number, kind in fields:
        field = message.field.add(name=name, number=number)
        field.label = _Field.LABEL_REPEATED if kind.endswith(_REPEATED) else _Field.LABEL_OPTIONAL
        scalar = _SCALARS.get(kind)
        field.type = _Field.TYPE_MESSAGE if scalar is None else scalar
        if scalar is None:
            field.type_name = f".{_PACKAGE}.{kind.removesuffix(_REPEATED)}"
        if message.name in _ONE_OF and name != "id":
            field.oneof_index = 0
