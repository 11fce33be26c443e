"""What the variables of an expression are for a resource: no more than the expression reads is converted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airegistry._convert import part_to_pb
from airegistry.expressions.checked import Node, parts_of
from airegistry.expressions.language import LABELS, MESSAGES, MODEL, RESOURCE, VARIABLES
from airegistry.resources.resource import Resource
from airegistry.v1 import resource_pb2

Reads = Mapping[str, frozenset[str]]
"""By variable, which of its fields are read."""


def reads_of(root: Node) -> Reads:
    """Return what an expression reads."""
    found: dict[str, set[str]] = {}
    _note_reads(root, found)
    return {variable: frozenset(fields) for variable, fields in found.items()}


class Values:
    """Gives the variables that one expression reads."""

    def __init__(self, reads: Reads) -> None:
        self._reads = tuple(reads)
        self._convert: dict[str, Callable[[Any], Any]] = {
            name: part_to_pb(*MESSAGES[name], fields) for name, fields in reads.items() if name in MESSAGES
        }

    def of(self, resource: Resource, model: Resource | None) -> dict[str, Any]:
        """Return the variables for a resource; *model* is that of an endpoint, where it is to be known."""
        return {name: self._value(name, resource, model) for name in self._reads}

    def of_message(self, message: resource_pb2.Resource) -> dict[str, Any]:
        """Return the variables for a resource by itself, as it travels."""
        return {name: _value_in(name, message) for name in self._reads}

    def _value(self, name: str, resource: Resource, model: Resource | None) -> Any:
        if name == LABELS:
            # Its own, and those of its model that it does not have itself.
            return {**(model.labels if model is not None else {}), **resource.labels}
        if name == RESOURCE:
            return self._convert[name](resource)
        said = getattr(model or resource if name == MODEL else resource, name)
        return _NOTHING[name] if said is None else self._convert[name](said)


# A kind that a resource is not has nothing set.
_NOTHING = {name: message() for name, (_, message) in MESSAGES.items()}


def _value_in(name: str, message: resource_pb2.Resource) -> Any:
    if name == LABELS:
        return dict(message.labels)
    return message if name == RESOURCE else getattr(message, name)


def _note_reads(node: Node, found: dict[str, set[str]]) -> None:
    kind = node.WhichOneof("kind")
    if kind == "select_expr" and (variable := node.select_expr.operand.ident_expr.name) in VARIABLES:
        found.setdefault(variable, set()).add(node.select_expr.field)
        return
    if kind == "ident_expr" and (variable := node.ident_expr.name) in VARIABLES:
        # It is taken as a whole.
        found.setdefault(variable, set()).update(_fields_of(variable))
    for part in parts_of(node):
        _note_reads(part, found)


def _fields_of(variable: str) -> list[str]:
    return [field.name for field in MESSAGES[variable][1].DESCRIPTOR.fields] if variable in MESSAGES else []
