"""RegistryService as data: which handler answers which method."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from google.protobuf import descriptor_pool

from airegistry._rpc.rest.answers import Answers
from airegistry._rpc.service import Service, service
from airegistry.v1 import discovery_pb2, registry_service_pb2, resource_pb2
from registry.catalog import Catalog
from registry.requests import HeartbeatBatch, HeartbeatResult
from registry.rpc.discoveries import Discoveries
from registry.rpc.reads import Reads
from registry.rpc.watches import Watches
from registry.rpc.writes import Writes

NAME = registry_service_pb2.DESCRIPTOR.services_by_name["RegistryService"].full_name


def registry_service(
    catalog: Catalog,
    watches: Watches,
    now: Callable[[], float],
    heard: Callable[[HeartbeatBatch, HeartbeatResult], None],
) -> Service:
    """Serve *catalog*; *now* is in seconds, by any clock, and *heard* is told of every heartbeat."""
    writes, reads, discoveries = Writes(catalog, heard), Reads(catalog), Discoveries(catalog, now)
    handlers = SimpleNamespace(
        register=writes.register,
        get=reads.get,
        list=reads.list,
        update=writes.update,
        deregister=writes.deregister,
        discover=discoveries.discover,
        batch_discover=discoveries.batch_discover,
        watch=watches.watch,
        heartbeat=writes.heartbeat,
    )
    descriptor = descriptor_pool.Default().FindServiceByName(NAME)
    # Resources look the same in many answers, and so do candidates until something about them changes.
    kept = (resource_pb2.Resource.DESCRIPTOR, discovery_pb2.Candidate.DESCRIPTOR)
    return service(descriptor, handlers, raw={"Discover", "BatchDiscover"}, json=Answers(kept).writer)
