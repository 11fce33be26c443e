"""What is unknown does not satisfy: the rule, put into a checked expression.

To CEL, a field that is not set has its type's zero, so that `endpoint.limits.context_tokens < 9000` would hold where the
limit is unknown. Here each read of a field that can be unset becomes `has(x.field) ? x.field : error`. CEL's own logic does
the rest: an error passes through comparisons and `!`, and `&&` and `||` ignore it where the other side decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FieldDescriptor

from airegistry.expressions.checked import Checked, Node, message_types, parts_of
from airegistry.expressions.language import LABELS

MAX_NODES = 4_000
"""What a guarded expression may hold; reads inside of reads are written down twice."""

# Text, enums and bytes whose zero means that they are not set.
_ZERO_IS_UNSET = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_ENUM}


class TooLargeError(Exception):
    """The expression would hold too many nodes."""


def guard(checked: Checked) -> None:
    """Rewrite a checked expression in place, or raise TooLargeError."""
    highest = max((node.id for node in nodes(checked.expr)), default=0)
    _Guarding(message_types(checked), highest + 1).rewrite(checked.expr)


def nodes(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it, from the top."""
    yield node
    for part in parts_of(node):
        yield from nodes(part)


@dataclass(slots=True)
class _Guarding:
    """One rewriting: the types of the nodes, and the next id that is free."""

    types: Mapping[int, str]
    fresh: int
    count: int = 0

    def rewrite(self, node: Node) -> None:
        self._count()
        if node.WhichOneof("kind") != "select_expr":
            for part in parts_of(node):
                self.rewrite(part)
            return
        self._below_reads(node)
        if not node.select_expr.test_only and self._can_be_unset(node):
            self._guard(node)

    def _below_reads(self, node: Node) -> None:
        """Rewrite what a chain of reads begins with: within `a.b.c`, `has` of the last one tells of all."""
        while node.WhichOneof("kind") == "select_expr":
            self._count()
            node = node.select_expr.operand
        self.rewrite(node)

    def _can_be_unset(self, node: Node) -> bool:
        message = self.types.get(node.select_expr.operand.id)
        if message is None:
            return False
        field = descriptor_pool.Default().FindMessageTypeByName(message).fields_by_name[node.select_expr.field]
        # A resource without labels has none: that is known.
        if field.name == LABELS:
            return False
        return bool(field.has_presence or field.is_repeated or field.type in _ZERO_IS_UNSET)

    def _guard(self, node: Node) -> None:
        read = type(node)()
        read.CopyFrom(node)
        self.count += sum(1 for _ in nodes(read))
        node.Clear()
        node.id = self._id()
        node.call_expr.function = "_?_:_"
        there, value, unset = (node.call_expr.args.add() for _ in range(3))
        there.CopyFrom(read)
        there.id = self._id()
        there.select_expr.test_only = True
        value.CopyFrom(read)
        self._fail(unset, read.select_expr.field)

    def _fail(self, node: Node, field: str) -> None:
        """Look up a key in an empty map: an error, whatever type is expected."""
        node.id = self._id()
        node.call_expr.function = "_[_]"
        empty, key = (node.call_expr.args.add() for _ in range(2))
        empty.id, key.id = self._id(), self._id()
        empty.struct_expr.SetInParent()
        key.const_expr.string_value = f"{field} is not set"

    def _id(self) -> int:
        self.fresh += 1
        return self.fresh

    def _count(self) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            raise TooLargeError
