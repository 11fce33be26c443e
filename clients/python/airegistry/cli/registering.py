"""Registering more than one request holds: in batches, parents before children."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airegistry.errors import FieldViolation, InvalidArgumentError, RegistryError, RequestTooLargeError
from airegistry.resources.resource import Resource

if TYPE_CHECKING:
    from airegistry.client import RegistryClient

MAX_RESOURCES = 1_000
MAX_BYTES = 3 * 1024 * 1024
MAX_RESOURCE_BYTES = 256 * 1024
# What a resource in a request takes beside itself: a tag and a length.
_FRAMING = 8

_INDEX = re.compile(r"^resources\[([0-9]+)\]")


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of all resources."""

    revision: int = 0
    created_count: int = 0
    updated_count: int = 0
    unchanged_count: int = 0


async def register_all(
    client: RegistryClient,
    resources: Sequence[Resource],
    *,
    advance: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Registered:
    """Register *resources* in as few requests as the limits allow; each request is applied as a whole or not at all.

    *advance* is told (resources done, resources in all). An error says what was registered before it.
    """
    done = Registered()
    count = 0
    for batch in batches(resources):
        try:
            answer = await client.register(batch, **options)
        except RegistryError as error:
            named = _by_name(error, batch)
            if count:
                named.add_note(f"{count} of {len(resources)} resources were registered before that")
            raise named from error
        count += len(batch)
        done = replace(
            done,
            revision=answer.revision,
            created_count=done.created_count + answer.created_count,
            updated_count=done.updated_count + answer.updated_count,
            unchanged_count=done.unchanged_count + answer.unchanged_count,
        )
        if advance is not None:
            advance(count, len(resources))
    return done


def batches(resources: Sequence[Resource]) -> Iterator[Sequence[Resource]]:
    """Yield what fits into one request each; only what needs several is put in order, parents first."""
    sizes = {resource.name: _size(resource) for resource in resources}
    if len(resources) <= MAX_RESOURCES and sum(sizes.values()) <= MAX_BYTES:
        yield resources
        return
    batch: list[Resource] = []
    size = 0
    for resource in sorted(resources, key=lambda resource: resource.name.count("/")):
        if len(batch) == MAX_RESOURCES or size + sizes[resource.name] > MAX_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(resource)
        size += sizes[resource.name]
    yield batch


def refuse_repeats(resources: Iterable[Resource]) -> None:
    """Raise InvalidArgumentError when a name is there twice; in two batches the later would win in silence."""
    seen: set[str] = set()
    for resource in resources:
        if resource.name in seen:
            raise InvalidArgumentError.of(resource.name, "is given twice")
        seen.add(resource.name)


def _size(resource: Resource) -> int:
    from airegistry._convert import to_pb
    from airegistry.v1 import resource_pb2

    size: int = to_pb(resource, resource_pb2.Resource).ByteSize() + _FRAMING
    if size > MAX_RESOURCE_BYTES + _FRAMING:
        problem = f"must have at most {MAX_RESOURCE_BYTES} bytes when serialized, has {size - _FRAMING}"
        raise RequestTooLargeError(
            violations=[FieldViolation(resource.name, problem)],
            metadata={"limit": str(MAX_RESOURCE_BYTES), "count": str(size - _FRAMING)},
        )
    return size


def _by_name(error: RegistryError, batch: Sequence[Resource]) -> RegistryError:
    """Return the error with fields named by resource: the position in a batch says nothing to a person."""
    if not isinstance(error, InvalidArgumentError) or not error.violations:
        return error
    violations = [FieldViolation(_named(v.field, batch), v.description) for v in error.violations]
    return type(error)(violations=violations, metadata=error.metadata, details=error.details)


def _named(field: str, batch: Sequence[Resource]) -> str:
    match = _INDEX.match(field)
    if match is None or int(match[1]) >= len(batch):
        return field
    rest = field[match.end() :].removeprefix(".")
    name = batch[int(match[1])].name
    return f"{name} {rest}" if rest else name
