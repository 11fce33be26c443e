"""RegistryService over a history in memory."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator, Mapping

from airegistry._convert import from_pb, to_pb
from airegistry._rpc.call import Call
from airegistry.client.messages import (
    BatchDiscoverResponse,
    ConsistencyLevel,
    DiscoverRequest,
    DiscoverResponse,
    ReadConsistency,
    WatchRequest,
)
from airegistry.discovery.answers import Candidate, Ranked
from airegistry.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    InvalidPageTokenError,
    NotFoundError,
)
from airegistry.expressions.expression import compile_expression
from airegistry.resources.names import Collection, parse_collection, parse_name
from airegistry.resources.requirements import DiscoverQuery
from airegistry.resources.resource import Resource
from airegistry.resources.validation import validate_labels
from airegistry.testing.history import History
from airegistry.testing.streaming import stream
from airegistry.testing.writes import Writes
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1 import resource_pb2

_WAIT = 10.0
_PAGE = 100
_MAX_PAGE = 1_000
_MAX_CANDIDATES = 100


class Handlers(Writes):
    """The reads of the service; the writes are beside them."""

    def __init__(self, history: History) -> None:
        super().__init__(history)
        self._history = history

    async def get(self, request: pb.GetRequest, call: Call) -> pb.GetResponse:
        """Return one resource."""
        parse_name(request.name)
        await self._wait(_consistency(request), call)
        resource = self._history.cache.get(request.name)
        if resource is None:
            raise NotFoundError(f"{request.name} does not exist", metadata={"name": request.name})
        return pb.GetResponse(resource=to_pb(resource, resource_pb2.Resource), revision=self._history.revision)

    async def list(self, request: pb.ListRequest, call: Call) -> pb.ListResponse:
        """Return one page of a collection, of the revision that the first one showed."""
        collection = parse_collection(request.collection)
        if request.page_size < 0:
            raise InvalidArgumentError.of("page_size", "must not be negative")
        if violations := validate_labels(request.labels, path="labels"):
            raise InvalidArgumentError(violations=violations)
        expression = compile_expression(request.filter, "filter") if request.filter else None
        revision, after = await self._page_start(request, call)
        found = [
            resource
            for resource in _members(collection, self._history.at(revision))
            if resource.kind is collection.kind
            and request.labels.items() <= resource.labels.items()
            and (expression is None or expression.holds(resource))
        ]
        rest = [resource for resource in found if resource.name > after]
        page = rest[: min(request.page_size or _PAGE, _MAX_PAGE)]
        return pb.ListResponse(
            resources=[to_pb(resource, resource_pb2.Resource) for resource in page],
            next_page_token=f"{_list_of(request)}:{revision}:{page[-1].name}" if len(page) < len(rest) else "",
            revision=revision,
            total_size=len(found),
        )

    async def discover(self, request: pb.DiscoverRequest, call: Call) -> pb.DiscoverResponse:
        """Rank candidates with the index that the real one uses."""
        wanted = from_pb(DiscoverRequest, request, strict=True)
        await self._wait(wanted.consistency, call)
        found: pb.DiscoverResponse = to_pb(self._discover(wanted), pb.DiscoverResponse)
        return found

    async def batch_discover(self, request: pb.BatchDiscoverRequest, call: Call) -> pb.BatchDiscoverResponse:
        """Answer several queries from one revision."""
        if not request.requests:
            raise InvalidArgumentError.of("requests", "must have at least one element")
        await self._wait(_consistency(request), call)
        responses = tuple(
            self._discover(from_pb(DiscoverRequest, each, strict=True), f"requests[{i}].query")
            for i, each in enumerate(request.requests)
        )
        answer = BatchDiscoverResponse(responses, self._history.revision)
        found: pb.BatchDiscoverResponse = to_pb(answer, pb.BatchDiscoverResponse)
        return found

    async def watch(self, request: pb.WatchRequest, _call: Call) -> AsyncIterator[pb.WatchResponse]:
        """Stream a snapshot, and then every change."""
        async for response in stream(self._history, from_pb(WatchRequest, request, strict=True)):
            yield to_pb(response, pb.WatchResponse)

    def _discover(self, wanted: DiscoverRequest, path: str = "query") -> DiscoverResponse:
        if not 0 <= wanted.limit <= _MAX_CANDIDATES:
            raise InvalidArgumentError.of("limit", f"must be 0 to {_MAX_CANDIDATES}")
        query = wanted.query or DiscoverQuery()
        found = self._history.cache.index.discover(
            query, limit=wanted.limit or 10, name_excluded=wanted.name_excluded, path=path
        )
        candidates = tuple(self._candidate(ranked, with_model=not wanted.omit_models) for ranked in found.candidates)
        return DiscoverResponse(
            candidates, found.matched_count, found.exclusions, found.revision, found.observation_epoch
        )

    def _candidate(self, ranked: Ranked, *, with_model: bool) -> Candidate:
        cache = self._history.cache
        model = cache.get(ranked.model) if with_model else None
        return Candidate(cache.get(ranked.name), model, ranked.score, ranked.cost_nanos, ranked.invocable)

    async def _page_start(self, request: pb.ListRequest, call: Call) -> tuple[int, str]:
        if not request.page_token:
            await self._wait(_consistency(request), call)
            return self._history.revision, ""
        match request.page_token.split(":"):
            case [listed, revision, after] if listed == _list_of(request) and revision.isdigit():
                return int(revision), after
        raise InvalidPageTokenError("the page token is not of this List")

    async def _wait(self, consistency: ReadConsistency | None, call: Call) -> None:
        if consistency is None or consistency.level is not ConsistencyLevel.NOT_OLDER_THAN:
            return
        left = call.time_left()
        if not await self._history.grown(consistency.min_revision - 1, within=_WAIT if left is None else left):
            raise DeadlineExceededError(f"revision {consistency.min_revision} was not reached in time")


def _members(collection: Collection, resources: Mapping[str, Resource]) -> Iterator[Resource]:
    """Return what a collection may list, in the order of names."""
    if not collection.agent:
        return (resource for name, resource in resources.items() if name.startswith(collection.prefix))
    holder = resources.get(collection.agent)
    if holder is None or holder.agent is None:
        raise NotFoundError(f"{collection.agent} does not exist", metadata={"name": collection.agent})
    return (resources[name] for name in sorted(set(holder.agent.models)) if name in resources)


def _list_of(request: pb.ListRequest) -> str:
    """Return a text for what is listed; colons part it from the rest of a token."""
    selected = f"{sorted(request.labels.items())} {request.filter}"
    return f"{request.collection}/{zlib.crc32(selected.encode())}"


def _consistency(request: pb.GetRequest | pb.ListRequest | pb.BatchDiscoverRequest) -> ReadConsistency | None:
    return from_pb(ReadConsistency, request.consistency, strict=True) if request.HasField("consistency") else None
