"""Register, Update, Deregister and Heartbeat."""

from __future__ import annotations

from collections.abc import Callable

from airegistry._convert import duration_to_pb, from_pb, to_pb
from airegistry._rpc.call import Call
from airegistry.v1 import registry_service_pb2 as pb
from registry.catalog import Catalog
from registry.requests import Deregistration, HeartbeatBatch, HeartbeatResult, RegisterBatch, Update
from registry.rpc import splice


class Writes:
    """The handlers that change the catalog."""

    def __init__(self, catalog: Catalog, heard: Callable[[HeartbeatBatch, HeartbeatResult], None]) -> None:
        self._catalog = catalog
        self._heard = heard

    async def register(self, request: pb.RegisterRequest, _call: Call) -> bytes:
        """Create or replace resources, all or none of them."""
        result = await self._catalog.register(from_pb(RegisterBatch, request, strict=True))
        head = pb.RegisterResponse(
            revision=result.revision,
            created_count=result.created_count,
            updated_count=result.updated_count,
            unchanged_count=result.unchanged_count,
            lease_ttl=None if result.lease_ttl is None else duration_to_pb(result.lease_ttl),
        )
        return splice.joined(head, splice.REGISTER_RESOURCES, (entry.wire for entry in result.entries))

    async def update(self, request: pb.UpdateRequest, _call: Call) -> bytes:
        """Change the named fields of one resource."""
        result = await self._catalog.update(from_pb(Update, request, strict=True))
        head = pb.UpdateResponse(revision=result.revision)
        return splice.joined(head, splice.UPDATE_RESOURCE, (result.entry.wire,))

    async def deregister(self, request: pb.DeregisterRequest, _call: Call) -> pb.DeregisterResponse:
        """Remove one resource and its children."""
        result = await self._catalog.deregister(from_pb(Deregistration, request, strict=True))
        return pb.DeregisterResponse(revision=result.revision, names=result.names)

    async def heartbeat(self, request: pb.HeartbeatRequest, _call: Call) -> pb.HeartbeatResponse:
        """Renew leases."""
        batch = from_pb(HeartbeatBatch, request, strict=True)
        result = await self._catalog.heartbeat(batch)
        self._heard(batch, result)
        response: pb.HeartbeatResponse = to_pb(result, pb.HeartbeatResponse)
        return response
