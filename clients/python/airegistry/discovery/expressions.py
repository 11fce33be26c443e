"""What the index needs of filter expressions; the language itself needs protobuf, and stays outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from airegistry.resources.resource import Resource


class Expression(Protocol):
    """A compiled filter expression."""

    def holds(self, resource: Resource, model: Resource | None = None) -> bool:
        """Say whether it is true of a resource; *model* is that of an endpoint. What is unknown does not hold."""
        ...


Compile = Callable[[str, str], Expression]
"""Compiles a text that stands at a path of a request, or raises InvalidArgumentError for that path."""
