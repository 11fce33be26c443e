"""The client of RegistryService."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING

import grpc
from google.protobuf import field_mask_pb2

from airegistry._convert import duration_to_pb, from_pb, to_pb
from airegistry._rpc.channel import answered, answers
from airegistry.backoff import Backoff
from airegistry.client.analytics import REGISTRY_ADDRESS, TIMEOUT, AnalyticsClient
from airegistry.client.follower import Follower, WatchUpdate
from airegistry.client.following import follow
from airegistry.client.messages import (
    BatchDiscoverResponse,
    DeregisterResponse,
    DiscoverRequest,
    DiscoverResponse,
    HeartbeatResponse,
    LeaseRenewal,
    ListResponse,
    ReadConsistency,
    RegisterResponse,
    WatchFilter,
    WatchRequest,
    WatchResponse,
)
from airegistry.resources.requirements import DiscoverQuery
from airegistry.resources.resource import Resource
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1 import resource_pb2
from airegistry.v1.registry_service_pb2_grpc import RegistryServiceStub

if TYPE_CHECKING:
    # It exists in the stub file only.
    from airegistry.v1.registry_service_pb2_grpc import RegistryServiceAsyncStub


class RegistryClient(AnalyticsClient):
    """Registers, finds and watches resources, and reports and reads what was measured of them, over one connection.

    It connects at the first call; close it, or use it as a context manager. Every call raises
    `airegistry.errors.RegistryError` and may take *timeout* seconds.
    """

    def __init__(
        self,
        address: str = REGISTRY_ADDRESS,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        AnalyticsClient.__init__(self, address, credentials=credentials, timeout=timeout)
        self._registry_stub: RegistryServiceAsyncStub = RegistryServiceStub(self._registry)

    async def register(  # noqa: PLR0913 - the fields of the request
        self,
        resources: Iterable[Resource],
        *,
        lease_ttl: float | None = None,
        owner_id: str = "",
        take_over: bool = False,
        create_only: bool = False,
        validate_only: bool = False,
        request_id: str = "",
    ) -> RegisterResponse:
        """Create or replace resources, all or none of them.

        With *lease_ttl*, in seconds, they live only as long as *owner_id* renews them; `LeaseKeeper` does that.
        """
        request = pb.RegisterRequest(
            resources=[to_pb(resource, resource_pb2.Resource) for resource in resources],
            lease_ttl=None if lease_ttl is None else duration_to_pb(lease_ttl),
            owner_id=owner_id,
            take_over=take_over,
            create_only=create_only,
            validate_only=validate_only,
            request_id=request_id,
        )
        response = await answered(self._registry_stub.Register(request, timeout=self._registry_timeout))
        return from_pb(RegisterResponse, response)

    async def get(self, name: str, *, consistency: ReadConsistency | None = None) -> Resource:
        """Return one resource, or raise NotFoundError."""
        request = pb.GetRequest(name=name, consistency=_consistency(consistency))
        response = await answered(self._registry_stub.Get(request, timeout=self._registry_timeout))
        return from_pb(Resource, response.resource)

    async def list(
        self,
        collection: str,
        *,
        labels: Mapping[str, str] | None = None,
        filter: str = "",  # noqa: A002 - the field's name
        page_size: int = 0,
        consistency: ReadConsistency | None = None,
    ) -> AsyncIterator[Resource]:
        """Iterate over a collection in the order of names, page by page; all pages show one revision.

        *collection* is `models`, `models/{model}/endpoints`, `models/-/endpoints`, `agents`, `agents/{agent}/models` (that it
        works with) or `routes`.
        """
        page = ListResponse()
        more = True
        while more:
            page = await self.list_page(
                collection,
                labels=labels,
                filter=filter,
                page_size=page_size,
                page_token=page.next_page_token,
                consistency=consistency,
            )
            for resource in page.resources:
                yield resource
            more = bool(page.next_page_token)

    async def list_page(
        self,
        collection: str,
        *,
        labels: Mapping[str, str] | None = None,
        filter: str = "",  # noqa: A002 - the field's name
        page_size: int = 0,
        page_token: str = "",
        consistency: ReadConsistency | None = None,
    ) -> ListResponse:
        """Return one page of a collection, with the revision it shows and the number of all matches."""
        request = pb.ListRequest(
            collection=collection,
            page_size=page_size,
            page_token=page_token,
            labels=dict(labels or {}),
            filter=filter,
            consistency=_consistency(consistency),
        )
        response = await answered(self._registry_stub.List(request, timeout=self._registry_timeout))
        return from_pb(ListResponse, response)

    async def update(
        self,
        resource: Resource,
        *,
        mask: Iterable[str] = (),
        owner_id: str = "",
        validate_only: bool = False,
        request_id: str = "",
    ) -> Resource:
        """Change the fields that *mask* names (`endpoint.weight`, `labels`), and return what is stored now.

        Without a mask, the whole spec and the labels. An etag in *resource* must be the stored one.
        """
        request = pb.UpdateRequest(
            resource=to_pb(resource, resource_pb2.Resource),
            update_mask=field_mask_pb2.FieldMask(paths=mask),
            owner_id=owner_id,
            validate_only=validate_only,
            request_id=request_id,
        )
        response = await answered(self._registry_stub.Update(request, timeout=self._registry_timeout))
        return from_pb(Resource, response.resource)

    async def deregister(
        self,
        name: str,
        *,
        etag: str = "",
        owner_id: str = "",
        allow_missing: bool = False,
        validate_only: bool = False,
        request_id: str = "",
    ) -> DeregisterResponse:
        """Remove one resource; a model takes its endpoints with it."""
        request = pb.DeregisterRequest(
            name=name,
            etag=etag,
            owner_id=owner_id,
            allow_missing=allow_missing,
            validate_only=validate_only,
            request_id=request_id,
        )
        response = await answered(self._registry_stub.Deregister(request, timeout=self._registry_timeout))
        return from_pb(DeregisterResponse, response)

    async def discover(
        self,
        query: DiscoverQuery | None = None,
        *,
        limit: int = 0,
        name_excluded: bool = False,
        omit_models: bool = False,
        consistency: ReadConsistency | None = None,
    ) -> DiscoverResponse:
        """Find the best endpoints or agents: filtered, ranked and explained. *limit* 0 means 10, at most 100."""
        asked = DiscoverRequest(query, limit, consistency, name_excluded, omit_models)
        request = to_pb(asked, pb.DiscoverRequest)
        response = await answered(self._registry_stub.Discover(request, timeout=self._registry_timeout))
        return from_pb(DiscoverResponse, response)

    async def batch_discover(
        self, requests: Iterable[DiscoverRequest], *, consistency: ReadConsistency | None = None
    ) -> BatchDiscoverResponse:
        """Answer up to 100 queries from one revision, in their order."""
        request = pb.BatchDiscoverRequest(
            requests=[to_pb(asked, pb.DiscoverRequest) for asked in requests], consistency=_consistency(consistency)
        )
        response = await answered(self._registry_stub.BatchDiscover(request, timeout=self._registry_timeout))
        return from_pb(BatchDiscoverResponse, response)

    def watch(
        self,
        filter: WatchFilter | None = None,  # noqa: A002 - the field's name
        *,
        resume_token: str = "",
        after_revision: int | None = None,
        bookmark_interval: float | None = None,
        skip_snapshot: bool = False,
    ) -> AsyncGenerator[WatchUpdate, None]:
        """Iterate over the changes to the set that *filter* selects, over restarts and cuts.

        Each update is whole: the first is the snapshot, the others are revisions, or empty ones that only move the
        position. Where the history no longer reaches back, a fresh snapshot comes as what it changes.
        """
        request = WatchRequest(filter, resume_token, after_revision, bookmark_interval, skip_snapshot)
        return follow(self.watch_once, Follower(request), Backoff())

    async def watch_once(self, request: WatchRequest) -> AsyncGenerator[WatchResponse, None]:
        """Iterate over the messages of one stream as they come, until it ends or breaks."""
        call = self._registry_stub.Watch(to_pb(request, pb.WatchRequest))
        async with aclosing(answers(call)) as responses:
            async for response in responses:
                yield from_pb(WatchResponse, response)

    async def heartbeat(self, renewals: Iterable[LeaseRenewal], *, owner_id: str) -> HeartbeatResponse:
        """Renew leases; each has its own result, and one that is gone says LEASE_EXPIRED there."""
        request = pb.HeartbeatRequest(
            renewals=[to_pb(renewal, pb.LeaseRenewal) for renewal in renewals], owner_id=owner_id
        )
        response = await answered(self._registry_stub.Heartbeat(request, timeout=self._registry_timeout))
        return from_pb(HeartbeatResponse, response)


def _consistency(wanted: ReadConsistency | None) -> pb.ReadConsistency | None:
    return None if wanted is None else to_pb(wanted, pb.ReadConsistency)
