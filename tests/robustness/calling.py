"""A client that notes each of its calls: raw stubs, one channel a replica, a deadline on everything."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import Any

from grpc import StatusCode, aio

from airegistry._rpc.channel import open_channel
from airegistry._status import from_call
from airegistry.errors import RegistryError
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.registry_service_pb2_grpc import RegistryServiceStub
from tests.robustness.history import Fate, Heartbeat, History, Level, Read, Sent, Write
from tests.robustness.versions import Version, Versions

_LOST = {StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.CANCELLED}
_LEVELS = {
    Level.LINEARIZABLE: pb.CONSISTENCY_LEVEL_LINEARIZABLE,
    Level.NOT_OLDER_THAN: pb.CONSISTENCY_LEVEL_NOT_OLDER_THAN,
    Level.ANY: pb.CONSISTENCY_LEVEL_ANY,
}
Request = pb.RegisterRequest | pb.UpdateRequest | pb.DeregisterRequest


def fate_of(error: aio.AioRpcError) -> tuple[Fate, str, dict[str, str]]:
    """Return what an error means to the caller, its reason, and the facts beside it."""
    meant: RegistryError = from_call(error)
    # What nobody expected is told by its code: the validators let none of those pass.
    reason = meant.reason if meant.reason != RegistryError.reason else error.code().name
    return (Fate.LOST if error.code() in _LOST else Fate.REFUSED), reason, dict(meant.metadata)


class Caller:
    """One client of all replicas. It knows the newest revision that it was told."""

    def __init__(self, client: str, addresses: Sequence[str], history: History, versions: Versions) -> None:
        self.client = client
        self.history = history
        self.seen = 0
        self._versions = versions
        self._channels = [open_channel(address) for address in addresses]
        self.stubs: list[Any] = [RegistryServiceStub(channel) for channel in self._channels]

    async def close(self) -> None:
        """End all calls and connections."""
        await asyncio.gather(*(channel.close(None) for channel in self._channels))

    async def write(self, replica: int, request: Request, asked: Write, timeout: float) -> Write:  # noqa: ASYNC109 - the deadline of the call
        """Send a write, and return it with what became of it."""
        method = getattr(self.stubs[replica], asked.method.capitalize())
        sent, reply, _ = await self._send(replica, method(request, timeout=timeout))
        shown: tuple[Version, ...] = ()
        removed: tuple[str, ...] = ()
        changed = True
        match reply:
            case pb.RegisterResponse():
                shown = tuple(map(self._versions.of, reply.resources))
                changed = reply.created_count + reply.updated_count > 0
            case pb.UpdateResponse():
                shown = (self._versions.of(reply.resource),)
            case pb.DeregisterResponse():
                removed = tuple(reply.names)
                changed = bool(removed)
        record = Write(
            sent,
            asked.method,
            asked.token,
            asked.names,
            asked.request_id,
            asked.etags,
            asked.create_only,
            asked.take_over,
            asked.allow_missing,
            asked.owner,
            asked.ttl,
            shown,
            removed,
            changed,
        )
        self.history.add(record)
        return record

    async def heartbeat(self, replica: int, request: pb.HeartbeatRequest, timeout: float) -> Heartbeat:  # noqa: ASYNC109 - the same
        """Renew leases."""
        sent, reply, _ = await self._send(replica, self.stubs[replica].Heartbeat(request, timeout=timeout))
        names = tuple(renewal.name for renewal in request.renewals)
        results = {result.name: _reason(result) for result in reply.results} if reply is not None else {}
        record = Heartbeat(sent, request.owner_id, names, results)
        self.history.add(record)
        return record

    async def get(self, replica: int, name: str, level: Level, timeout: float, min_revision: int = 0) -> Read:  # noqa: ASYNC109 - the same
        """Read one resource."""
        request = pb.GetRequest(name=name, consistency=_consistency(level, min_revision))
        sent, reply, _ = await self._send(replica, self.stubs[replica].Get(request, timeout=timeout))
        shown = (self._versions.of(reply.resource),) if reply is not None else ()
        return self._read(Read(sent, "get", name, level, min_revision, shown))

    async def list(self, replica: int, collection: str, level: Level, timeout: float, min_revision: int = 0) -> Read:  # noqa: ASYNC109 - the same
        """Read a whole collection, page by page, each from the next replica."""
        request = pb.ListRequest(collection=collection, page_size=5, consistency=_consistency(level, min_revision))
        shown: list[Version] = []
        start = time.monotonic()
        for page in itertools.count(replica):
            stub = self.stubs[page % len(self.stubs)]
            sent, reply, _ = await self._send(replica, stub.List(request, timeout=timeout))
            if reply is None:
                break
            shown += map(self._versions.of, reply.resources)
            request.page_token = reply.next_page_token
            if not request.page_token:
                break
        else:
            raise AssertionError("a count has no end")
        whole = Sent(sent.client, replica, start, sent.end, sent.fate, sent.reason, sent.revision)
        return self._read(Read(whole, "list", collection, level, min_revision, tuple(shown) if sent.ok else ()))

    async def discover(self, replica: int, level: Level, timeout: float, min_revision: int = 0) -> Read:  # noqa: ASYNC109 - the same
        """Ask for the best endpoints."""
        request = pb.DiscoverRequest(limit=50, consistency=_consistency(level, min_revision), omit_models=True)
        sent, reply, _ = await self._send(replica, self.stubs[replica].Discover(request, timeout=timeout))
        candidates = reply.candidates if reply is not None else ()
        shown = tuple(self._versions.of(candidate.resource) for candidate in candidates)
        return self._read(Read(sent, "discover", "endpoints", level, min_revision, shown))

    def _read(self, record: Read) -> Read:
        self.history.add(record)
        return record

    async def _send(self, replica: int, call: Any) -> tuple[Sent, Any, dict[str, str]]:
        start = time.monotonic()
        try:
            reply = await call
        except aio.AioRpcError as error:
            fate, reason, known = fate_of(error)
            return Sent(self.client, replica, start, time.monotonic(), fate, reason), None, known
        self.seen = max(self.seen, reply.revision)
        return Sent(self.client, replica, start, time.monotonic(), Fate.OK, revision=reply.revision), reply, {}


def _reason(result: pb.LeaseResult) -> str:
    if not result.HasField("error"):
        return ""
    for detail in result.error.details:
        if detail.type_url.endswith("ErrorInfo"):
            # The reason is the first field: enough to tell the two that there are apart.
            return "LEASE_EXPIRED" if b"LEASE_EXPIRED" in detail.value else "OWNED_BY_ANOTHER"
    return f"code {result.error.code}"


def _consistency(level: Level, min_revision: int) -> pb.ReadConsistency:
    minimum = max(min_revision, 1) if level is Level.NOT_OLDER_THAN else 0
    return pb.ReadConsistency(level=_LEVELS[level], min_revision=minimum)
