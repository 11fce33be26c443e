"""What a Register would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from airegistry.errors import (
    AlreadyExistsError,
    FieldViolation,
    InvalidArgumentError,
    NotFoundError,
    RequestTooLargeError,
)
from airegistry.resources.resource import Liveness, ResourceStatus
from registry.entry import Draft, Entry
from registry.leases import Lease
from registry.planning.ownership import check_lease, check_owner
from registry.planning.plan import Facts, Order, Plan, State, check_request_id, fingerprint, no_leases, refusal
from registry.planning.proposal import Proposal, propose
from registry.requests import MAX_BATCH, MAX_BATCH_BYTES, RegisterBatch, RegisterResult
from registry.store.records import Change, Write


def order_register(batch: RegisterBatch) -> Order[RegisterResult]:
    """Do what needs no state: limits, validation, serialization."""
    check_request_id(batch.request_id)
    try:
        proposals = _propose(batch)
    except InvalidArgumentError as error:
        return Order(refusal(error), _answer, no_leases, batch.request_id)
    return Order(
        lambda state: _decide(batch, proposals, state),
        _answer,
        lambda _entries: (proposal.resource.name for proposal in proposals),
        batch.request_id,
        _fingerprint(batch, proposals) if batch.request_id else "",
        size=_size(proposals),
        validate_only=batch.validate_only,
    )


def _propose(batch: RegisterBatch) -> tuple[Proposal, ...]:
    _check_count(batch)
    check_lease(batch.owner_id, batch.lease_ttl)
    proposals = propose([(f"resources[{i}]", resource) for i, resource in enumerate(batch.resources)])
    _check_size(proposals)
    _check_unique(proposals)
    return proposals


def _check_count(batch: RegisterBatch) -> None:
    count = len(batch.resources)
    if not count:
        raise InvalidArgumentError.of("resources", "is required")
    if count > MAX_BATCH:
        raise RequestTooLargeError(
            violations=[FieldViolation("resources", f"has {count} resources; at most {MAX_BATCH} are taken at once")],
            metadata={"limit": str(MAX_BATCH), "count": str(count)},
        )


def _check_size(proposals: Sequence[Proposal]) -> None:
    size = _size(proposals)
    if size > MAX_BATCH_BYTES:
        raise RequestTooLargeError(
            violations=[FieldViolation("resources", f"has {size} bytes; at most {MAX_BATCH_BYTES} are taken at once")],
            metadata={"limit": str(MAX_BATCH_BYTES), "count": str(size)},
        )


def _size(proposals: Sequence[Proposal]) -> int:
    return sum(len(p.content) + len(p.resource.name) for p in proposals)


def _check_unique(proposals: Sequence[Proposal]) -> None:
    first: dict[str, str] = {}
    for proposal in proposals:
        earlier = first.setdefault(proposal.resource.name, proposal.path)
        if earlier != proposal.path:
            raise InvalidArgumentError.of(f"{proposal.path}.name", f"is the name of {earlier} too")


def _fingerprint(batch: RegisterBatch, proposals: Sequence[Proposal]) -> str:
    return fingerprint(
        "Register",
        [(p.resource.name, p.resource.etag, p.etag) for p in proposals],
        (batch.lease_ttl, batch.owner_id, batch.take_over, batch.create_only),
    )


def _decide(batch: RegisterBatch, proposals: Sequence[Proposal], state: State) -> Plan:
    names = {proposal.resource.name for proposal in proposals}
    for proposal in proposals:
        _check(proposal, batch, names, state)
    shown = [_next(proposal, batch, state) for proposal in proposals]
    changes = tuple(Change(state.entries.get(d.name), d) for d in shown if isinstance(d, Draft))
    counts = Counter(_outcome(p, state) for p in proposals)
    return Plan(
        Write(changes, *_leases(batch, names, state)),
        touched=frozenset(names | {p.name.parent for p in proposals if p.name.parent}),
        shown=tuple(shown),
        facts={
            "created_count": counts["created"],
            "updated_count": counts["updated"],
            "unchanged_count": counts["unchanged"],
            "lease_ttl": batch.lease_ttl,
        },
    )


def _check(proposal: Proposal, batch: RegisterBatch, names: set[str], state: State) -> None:
    name, parent = proposal.resource.name, proposal.name.parent
    old = state.entries.get(name)
    if old is not None and batch.create_only:
        raise AlreadyExistsError(f"{proposal.path}.name: {name} exists", metadata={"name": name})
    if parent and parent not in names and parent not in state.entries:
        raise NotFoundError(
            f"{proposal.path}.name: {parent} does not exist; register the model first, or in the same request",
            metadata={"name": parent},
        )
    if not batch.take_over:
        check_owner(state, name, batch.owner_id)
    proposal.check_etag(old)


def _next(proposal: Proposal, batch: RegisterBatch, state: State) -> Draft | Entry:
    """Return what is stored afterwards: the old entry itself when nothing about it changes."""
    old = state.entries.get(proposal.resource.name)
    status = _status(old, batch)
    if old is not None and old.resource.etag == proposal.etag and old.resource.status == status:
        return old
    return proposal.draft(old, status=status, time=state.time())


def _status(old: Entry | None, batch: RegisterBatch) -> ResourceStatus | None:
    """Return the status with the lease that the batch asks for: a leased resource is alive when it is registered."""
    leased = batch.lease_ttl is not None
    known = (old.resource.status if old is not None else None) or ResourceStatus()
    status = replace(known, liveness=Liveness.LIVE if leased else None, lease_ttl=batch.lease_ttl)
    return status if status != ResourceStatus() else None


def _outcome(proposal: Proposal, state: State) -> str:
    old = state.entries.get(proposal.resource.name)
    if old is None:
        return "created"
    return "unchanged" if old.resource.etag == proposal.etag else "updated"


def _leases(batch: RegisterBatch, names: set[str], state: State) -> tuple[tuple[Lease, ...], tuple[str, ...]]:
    """Return the leases that the batch grants, and those that it ends."""
    if batch.lease_ttl is None:
        return (), tuple(sorted(name for name in names if state.leases.get(name) is not None))
    ttl = batch.lease_ttl
    return tuple(Lease(name, batch.owner_id, ttl) for name in sorted(names)), ()


def _answer(revision: int, facts: Facts, entries: Sequence[Entry]) -> RegisterResult:
    return RegisterResult(revision, tuple(entries), **facts)
