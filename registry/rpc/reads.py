"""Get and List."""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from operator import attrgetter

from airegistry._convert import from_pb
from airegistry._rpc.call import Call
from airegistry.discovery.recent import Recent
from airegistry.errors import InvalidArgumentError, InvalidPageTokenError, NotFoundError
from airegistry.expressions.expression import compile_expression
from airegistry.resources.names import parse_collection, parse_name
from airegistry.resources.validation import validate_labels
from airegistry.v1 import registry_service_pb2 as pb
from registry.catalog import Catalog
from registry.entries import Entries
from registry.entry import Entry
from registry.rpc import splice
from registry.rpc.consistency import wait_for_position, wait_until_fresh
from registry.rpc.requests import ConsistencyLevel, Get, List
from registry.rpc.satisfying import Satisfying
from registry.rpc.selection import has_labels
from registry.rpc.tokens import seal, unseal

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1_000
MAX_PAGE_BYTES = 3 * 1024 * 1024
_EXPRESSIONS = 4
_STEP = 512


class Reads:
    """The handlers that read the catalog as it is."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._satisfying: Recent[Satisfying] = Recent(_EXPRESSIONS)

    async def get(self, request: pb.GetRequest, call: Call) -> bytes:
        """Return one resource."""
        wanted = from_pb(Get, request, strict=True)
        parse_name(wanted.name)
        await wait_until_fresh(self._catalog, wanted.consistency, call, default=ConsistencyLevel.LINEARIZABLE)
        entry = self._catalog.entries.get(wanted.name)
        if entry is None:
            raise NotFoundError(f"{wanted.name} does not exist", metadata={"name": wanted.name})
        return splice.joined(pb.GetResponse(revision=self._catalog.revision), splice.GET_RESOURCE, (entry.wire,))

    async def list(self, request: pb.ListRequest, call: Call) -> bytes:
        """Return one page of a collection."""
        wanted = from_pb(List, request, strict=True)
        _check(wanted)
        satisfying = self._satisfying_of(wanted.filter)
        place = self._place(wanted)
        if place is None:
            await wait_until_fresh(self._catalog, wanted.consistency, call, default=ConsistencyLevel.LINEARIZABLE)
            place = _Place(self._catalog.revision, after="")
        else:
            await wait_for_position(self._catalog, place.revision, call)
        if satisfying is not None:
            await _evaluate(satisfying, list(_matching(wanted, self._catalog.at(place.revision))))
        listed = _matching(wanted, self._catalog.at(place.revision))
        matching = list(listed if satisfying is None else filter(satisfying.has, listed))
        page = _page(matching, place.after, wanted.page_size or DEFAULT_PAGE_SIZE)
        head = pb.ListResponse(revision=place.revision, total_size=len(matching))
        if page and page[-1] is not matching[-1]:
            head.next_page_token = self._token(wanted, place.revision, page[-1].name)
        return splice.joined(head, splice.LIST_RESOURCES, (entry.wire for entry in page))

    def _satisfying_of(self, expression: str) -> Satisfying | None:
        if not expression:
            return None
        satisfying = self._satisfying.get(expression)
        if satisfying is None:
            satisfying = Satisfying(compile_expression(expression, "filter"))
            self._satisfying.put(expression, satisfying)
        return satisfying

    def _token(self, wanted: List, revision: int, name: str) -> str:
        return seal("page", self._catalog.cluster_id, wanted.collection, _digest(wanted), revision, name)

    def _place(self, wanted: List) -> _Place | None:
        """Return where the page begins; None for the first one."""
        if not wanted.page_token:
            return None
        try:
            *listed, revision, name = unseal("page", wanted.page_token)
        except ValueError:
            raise _invalid("is not a page token of this service") from None
        if listed != [self._catalog.cluster_id, wanted.collection, _digest(wanted)]:
            raise _invalid("belongs to another List: the other fields must stay as they were")
        return _Place(int(revision), str(name))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins: *after* is the last name before it (exclusive)."""

    revision: int
    after: str


def _check(wanted: List) -> None:
    if wanted.page_size < 0:
        raise InvalidArgumentError.of("page_size", "must not be negative")
    if violations := validate_labels(wanted.labels, path="labels"):
        raise InvalidArgumentError(violations=violations)


def _matching(wanted: List, entries: Entries) -> Iterator[Entry]:
    collection = parse_collection(wanted.collection)
    below = _named_by(collection.agent, entries) if collection.agent else entries.under(collection.prefix)
    for entry in below:
        if entry.kind is collection.kind and has_labels(entry, wanted.labels):
            yield entry


def _named_by(name: str, entries: Entries) -> Iterator[Entry]:
    """Yield the models that an agent names, in the order of their names; it may name some that are not registered."""
    entry = entries.get(name)
    if entry is None:
        raise NotFoundError(f"{name} does not exist", metadata={"name": name})
    models = entry.resource.agent.models if entry.resource.agent else ()
    found = (entries.get(model) for model in sorted(set(models)))
    return (entry for entry in found if entry is not None)


async def _evaluate(satisfying: Satisfying, entries: list[Entry]) -> None:
    """Evaluate an expression in steps, so that nobody else waits for more than one; what is known takes no time."""
    for i, entry in enumerate(entries, start=1):
        satisfying.has(entry)
        if i % _STEP == 0:
            await asyncio.sleep(0)


def _page(matching: list[Entry], after: str, size: int) -> list[Entry]:
    page: list[Entry] = []
    total = 0
    start = bisect_right(matching, after, key=attrgetter("name"))
    for entry in matching[start : start + min(size, MAX_PAGE_SIZE)]:
        total += len(entry.wire)
        if page and total > MAX_PAGE_BYTES:
            break
        page.append(entry)
    return page


def _digest(wanted: List) -> str:
    """Return a short text for what is selected; empty for everything."""
    if not wanted.labels and not wanted.filter:
        return ""
    facts = [sorted(wanted.labels.items()), wanted.filter]
    return blake2b(json.dumps(facts).encode(), digest_size=8).hexdigest()


def _invalid(description: str) -> InvalidArgumentError:
    return InvalidPageTokenError.of("page_token", description)
