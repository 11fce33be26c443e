"""What a Heartbeat would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airegistry.errors import (
    ErrorStatus,
    FieldViolation,
    InvalidArgumentError,
    LeaseExpiredError,
    OwnedByAnotherError,
    RequestTooLargeError,
)
from airegistry.resources.names import parse_name
from airegistry.resources.resource import Liveness, ResourceKind, ResourceStatus
from registry.entry import Draft, Entry
from registry.planning.ownership import check_owner_id
from registry.planning.plan import Facts, Order, Plan, State, no_leases, refusal
from registry.planning.proposal import restated
from registry.requests import MAX_BATCH, HeartbeatBatch, HeartbeatResult, LeaseRenewal, LeaseResult
from registry.store.records import Change, Write


def order_heartbeat(batch: HeartbeatBatch) -> Order[HeartbeatResult]:
    """Do what needs no state: the form of the renewals."""
    try:
        _check(batch)
    except InvalidArgumentError as error:
        return Order(refusal(error), _answer, no_leases)
    names = [renewal.name for renewal in batch.renewals]
    return Order(lambda state: _decide(batch, state), _answer, lambda _entries: names)


def _check(batch: HeartbeatBatch) -> None:
    if not batch.owner_id:
        raise InvalidArgumentError.of("owner_id", "is required")
    check_owner_id(batch.owner_id)
    count = len(batch.renewals)
    if not count:
        raise InvalidArgumentError.of("renewals", "is required")
    if count > MAX_BATCH:
        raise RequestTooLargeError(
            violations=[FieldViolation("renewals", f"has {count} renewals; at most {MAX_BATCH} are taken at once")],
            metadata={"limit": str(MAX_BATCH), "count": str(count)},
        )
    seen: set[str] = set()
    for i, renewal in enumerate(batch.renewals):
        _check_renewal(renewal, f"renewals[{i}]")
        if renewal.name in seen:
            raise InvalidArgumentError.of(f"renewals[{i}].name", "is in the request twice")
        seen.add(renewal.name)


def _check_renewal(renewal: LeaseRenewal, path: str) -> None:
    kind = parse_name(renewal.name, field=f"{path}.name").kind
    if renewal.health is not None and kind not in (ResourceKind.ENDPOINT, ResourceKind.AGENT):
        raise InvalidArgumentError.of(f"{path}.health", "is only reported for endpoints and agents")
    if renewal.agent_state is not None and kind is not ResourceKind.AGENT:
        raise InvalidArgumentError.of(f"{path}.agent_state", "is only reported for agents")
    # Written so that NaN is refused.
    if renewal.load is not None and not 0 <= renewal.load <= 1:
        raise InvalidArgumentError.of(f"{path}.load", "must be 0 to 1")


def _decide(batch: HeartbeatBatch, state: State) -> Plan:
    errors = {renewal.name: _problem(renewal.name, batch.owner_id, state) for renewal in batch.renewals}
    kept = [renewal for renewal in batch.renewals if errors[renewal.name] is None]
    drafts = [draft for renewal in kept if (draft := _report(renewal, state)) is not None]
    # Sorted by name: stores that lock rows lock them in one order.
    leases = [
        lease.renewed(renewal.load)
        for renewal in sorted(kept, key=lambda renewal: renewal.name)
        if (lease := state.leases.get(renewal.name)) is not None
    ]
    ttls = {lease.name: lease.ttl for lease in leases}
    results = tuple(LeaseResult(r.name, ttls.get(r.name), errors[r.name]) for r in batch.renewals)
    return Plan(
        Write(tuple(Change(state.entries[draft.name], draft) for draft in drafts), tuple(leases)),
        touched=frozenset(errors),
        facts={"results": results},
    )


def _problem(name: str, owner_id: str, state: State) -> ErrorStatus | None:
    lease = state.leases.get(name)
    if lease is None or name not in state.entries:
        return ErrorStatus("NOT_FOUND", LeaseExpiredError.reason, f"{name} has no lease: register it again")
    if lease.owner_id != owner_id:
        return ErrorStatus("PERMISSION_DENIED", OwnedByAnotherError.reason, f"{name} is leased by another owner")
    return None


def _report(renewal: LeaseRenewal, state: State) -> Draft | None:
    """Return the next state of a resource when the report changes what is shown; a mere renewal changes nothing."""
    old = state.entries[renewal.name]
    known = old.resource.status or ResourceStatus()
    status = replace(known, liveness=Liveness.LIVE, agent_state=renewal.agent_state or known.agent_state)
    if renewal.health is not None and renewal.health is not known.health:
        status = replace(status, health=renewal.health, health_reason="", health_time=state.time())
    return restated(old, status=status, time=state.time()) if status != known else None


def _answer(revision: int, facts: Facts, _entries: Sequence[Entry]) -> HeartbeatResult:
    return HeartbeatResult(revision, facts["results"])
