"""The writes of RegistryService over a history in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from airegistry._convert import duration_to_pb, from_pb, to_pb
from airegistry._rpc.call import Call
from airegistry._status import status_of
from airegistry.client.messages import HeartbeatResponse, LeaseRenewal, LeaseResult
from airegistry.discovery.naming import parent_of
from airegistry.errors import (
    AlreadyExistsError,
    EtagMismatchError,
    FieldViolation,
    InvalidArgumentError,
    LeaseExpiredError,
    NotFoundError,
    OwnedByAnotherError,
    RegistryError,
    RequestTooLargeError,
)
from airegistry.expressions.routes import validate_filters
from airegistry.resources.names import parse_name
from airegistry.resources.resource import Liveness, Resource, ResourceStatus
from airegistry.resources.validation import validate
from airegistry.testing.history import FakeLease, History
from airegistry.testing.masks import merged
from airegistry.testing.replays import Replays
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1 import resource_pb2

_MAX_BATCH = 1_000
_MIN_TTL, _MAX_TTL = 1.0, 86_400.0
_OWNER_ID_LENGTHS = range(8, 129)


class Writes:
    """Register, Update, Deregister and Heartbeat."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._replays = Replays()

    async def register(self, request: pb.RegisterRequest, _call: Call) -> pb.RegisterResponse:
        """Create or replace resources, all or none of them."""
        return self._replays.once(request, lambda: self._register(request))

    async def update(self, request: pb.UpdateRequest, _call: Call) -> pb.UpdateResponse:
        """Change the named fields of one resource."""
        return self._replays.once(request, lambda: self._update(request))

    async def deregister(self, request: pb.DeregisterRequest, _call: Call) -> pb.DeregisterResponse:
        """Remove one resource and its children."""
        return self._replays.once(request, lambda: self._deregister(request))

    async def heartbeat(self, request: pb.HeartbeatRequest, _call: Call) -> pb.HeartbeatResponse:
        """Renew leases, and take in what their holders report."""
        if not request.owner_id or not request.renewals:
            raise InvalidArgumentError.of("renewals" if request.owner_id else "owner_id", "is required")
        renewals = [from_pb(LeaseRenewal, each, strict=True) for each in request.renewals]
        results = tuple(self._renewed(renewal.name, request.owner_id) for renewal in renewals)
        kept = {result.name for result in results if result.error is None}
        reported = (self._reported(renewal) for renewal in renewals if renewal.name in kept)
        self._history.commit({resource.name: resource for resource in reported if resource is not None})
        for renewal in renewals:
            if renewal.name in kept:
                self._history.heard(renewal.name, renewal.load)
        answer: pb.HeartbeatResponse = to_pb(HeartbeatResponse(results, self._history.revision), pb.HeartbeatResponse)
        return answer

    def _register(self, request: pb.RegisterRequest) -> pb.RegisterResponse:
        resources = [from_pb(Resource, r, path=f"resources[{i}]", strict=True) for i, r in enumerate(request.resources)]
        ttl = request.lease_ttl.ToTimedelta().total_seconds() if request.HasField("lease_ttl") else None
        _check_batch(resources)
        _check_lease(request.owner_id, ttl)
        names = {resource.name for resource in resources}
        for i, resource in enumerate(resources):
            if resource.name in self._resources and request.create_only:
                raise AlreadyExistsError(f"resources[{i}].name: {resource.name} exists")
            parent = parent_of(resource.name)
            if parent and parent not in names and parent not in self._resources:
                raise NotFoundError(f"resources[{i}].name: {parent} does not exist", metadata={"name": parent})
            if not request.take_over:
                self._check_owner(resource.name, request.owner_id)
            self._check_etag(resource.name, resource.etag)
        return self._registered(request, resources, ttl)

    def _registered(
        self, request: pb.RegisterRequest, resources: Sequence[Resource], ttl: float | None
    ) -> pb.RegisterResponse:
        created = sum(resource.name not in self._resources for resource in resources)
        wanted = [replace(resource, status=self._status(resource.name, ttl)) for resource in resources]
        updated = sum(r.name in self._resources and not _same_spec(r, self._resources[r.name]) for r in wanted)
        if not request.validate_only:
            self._commit(wanted)
            self._grant((resource.name for resource in resources), request.owner_id, ttl)
            wanted = [self._resources[resource.name] for resource in resources]
        return pb.RegisterResponse(
            revision=self._history.revision,
            resources=[to_pb(resource, resource_pb2.Resource) for resource in wanted],
            created_count=created,
            updated_count=updated,
            unchanged_count=len(resources) - created - updated,
            lease_ttl=None if ttl is None else duration_to_pb(ttl),
        )

    def _update(self, request: pb.UpdateRequest) -> pb.UpdateResponse:
        given = from_pb(Resource, request.resource, path="resource", strict=True)
        parse_name(given.name, field="resource.name")
        old = self._resources.get(given.name)
        if old is None:
            raise NotFoundError(f"{given.name} does not exist", metadata={"name": given.name})
        self._check_owner(given.name, request.owner_id)
        self._check_etag(given.name, given.etag)
        wanted = merged(old, given, request.update_mask.paths)
        if violations := _violations(wanted, "resource"):
            raise InvalidArgumentError(violations=violations)
        if not request.validate_only:
            self._commit([wanted])
            wanted = self._resources[given.name]
        return pb.UpdateResponse(resource=to_pb(wanted, resource_pb2.Resource), revision=self._history.revision)

    def _deregister(self, request: pb.DeregisterRequest) -> pb.DeregisterResponse:
        parse_name(request.name)
        if request.name not in self._resources:
            if not request.allow_missing:
                raise NotFoundError(f"{request.name} does not exist", metadata={"name": request.name})
            return pb.DeregisterResponse(revision=self._history.revision)
        gone = [request.name, *(name for name in self._resources if parent_of(name) == request.name)]
        for name in gone:
            self._check_owner(name, request.owner_id)
        self._check_etag(request.name, request.etag)
        if not request.validate_only:
            self._history.commit(dict.fromkeys(gone))
        return pb.DeregisterResponse(revision=self._history.revision, names=gone)

    @property
    def _resources(self) -> dict[str, Resource]:
        return dict(self._history.at(self._history.revision))

    def _check_owner(self, name: str, owner_id: str) -> None:
        lease = self._history.leases.get(name)
        if lease is not None and lease.owner_id != owner_id:
            raise OwnedByAnotherError(f"{name} is leased by another owner", metadata={"name": name})

    def _check_etag(self, name: str, etag: str) -> None:
        old = self._history.cache.get(name)
        if etag and (old is None or old.etag != etag):
            raise EtagMismatchError(f"{name} changed since it was read", metadata={"name": name})

    def _commit(self, wanted: Iterable[Resource]) -> None:
        known = self._resources
        self._history.commit({r.name: r for r in wanted if r.name not in known or not _same(r, known[r.name])})

    def _grant(self, names: Iterable[str], owner_id: str, ttl: float | None) -> None:
        for name in names:
            self._history.leases.pop(name, None)
            if ttl is not None:
                self._history.leases[name] = FakeLease(owner_id, ttl)

    def _status(self, name: str, ttl: float | None) -> ResourceStatus | None:
        old = self._history.cache.get(name)
        known = (old.status if old is not None else None) or ResourceStatus()
        status = replace(known, liveness=None if ttl is None else Liveness.LIVE, lease_ttl=ttl)
        return status if status != ResourceStatus() else None

    def _renewed(self, name: str, owner_id: str) -> LeaseResult:
        lease = self._history.leases.get(name)
        error: RegistryError
        if lease is None:
            error = LeaseExpiredError(f"{name} has no lease: register it again")
            return LeaseResult(name, None, status_of(error))
        if lease.owner_id != owner_id:
            error = OwnedByAnotherError(f"{name} is leased by another owner")
            return LeaseResult(name, None, replace(status_of(error), code="PERMISSION_DENIED"))
        return LeaseResult(name, lease.ttl)

    def _reported(self, renewal: LeaseRenewal) -> Resource | None:
        """Return what a report changes; None when it changes nothing that is shown."""
        old = self._resources[renewal.name]
        known = old.status or ResourceStatus()
        status = replace(
            known, health=renewal.health or known.health, agent_state=renewal.agent_state or known.agent_state
        )
        return None if status == known else replace(old, status=status)


def _violations(resource: Resource, path: str) -> list[FieldViolation]:
    return [*validate(resource, path=path), *validate_filters(resource, path=path)]


def _check_batch(resources: Sequence[Resource]) -> None:
    if not resources:
        raise InvalidArgumentError.of("resources", "is required")
    if len(resources) > _MAX_BATCH:
        raise RequestTooLargeError(
            violations=[FieldViolation("resources", f"has {len(resources)} resources; at most {_MAX_BATCH} are taken")],
            metadata={"limit": str(_MAX_BATCH), "count": str(len(resources))},
        )
    violations = [v for i, resource in enumerate(resources) for v in _violations(resource, f"resources[{i}]")]
    names = [resource.name for resource in resources]
    twice = (i for i, name in enumerate(names) if name in names[:i])
    violations += [FieldViolation(f"resources[{i}].name", "is in the request twice") for i in twice]
    if violations:
        raise InvalidArgumentError(violations=violations)


def _check_lease(owner_id: str, ttl: float | None) -> None:
    if owner_id and len(owner_id) not in _OWNER_ID_LENGTHS:
        raise InvalidArgumentError.of("owner_id", "must have 8 to 128 characters")
    if ttl is not None and not _MIN_TTL <= ttl <= _MAX_TTL:
        raise InvalidArgumentError.of("lease_ttl", "must be 1 s to 24 h")
    if ttl is not None and not owner_id:
        raise InvalidArgumentError.of("owner_id", "is required with lease_ttl")


def _same_spec(one: Resource, other: Resource) -> bool:
    return one.spec == other.spec and one.labels == other.labels


def _same(one: Resource, other: Resource) -> bool:
    return _same_spec(one, other) and one.status == other.status
