"""What a Deregister would change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from airegistry.errors import InvalidArgumentError, NotFoundError
from airegistry.resources.names import parse_name
from airegistry.resources.resource import ResourceKind
from registry.entries import Entries
from registry.entry import Entry
from registry.planning.ownership import check_owner, check_owner_id
from registry.planning.plan import Facts, Order, Plan, State, check_request_id, fingerprint, no_leases, refusal
from registry.planning.proposal import check_etag
from registry.requests import DeregisterResult, Deregistration
from registry.store.records import Change, Write


def order_deregister(request: Deregistration) -> Order[DeregisterResult]:
    """Do what needs no state: the form of the name."""
    check_request_id(request.request_id)
    try:
        parse_name(request.name)
        check_owner_id(request.owner_id)
    except InvalidArgumentError as error:
        return Order(refusal(error), _answer, no_leases, request.request_id)
    return Order(
        lambda state: _decide(request, state),
        _answer,
        lambda entries: _family(request.name, entries),
        request.request_id,
        fingerprint("Deregister", request.name, request.etag, request.owner_id, request.allow_missing),
        validate_only=request.validate_only,
    )


def removal(state: State, entries: Sequence[Entry]) -> Write:
    """Return the write that removes *entries* and their leases."""
    leased = tuple(entry.name for entry in entries if state.leases.get(entry.name) is not None)
    return Write(tuple(Change(entry, None) for entry in entries), ended_leases=leased)


def children(entries: Entries, entry: Entry) -> tuple[Entry, ...]:
    """Return the endpoints of a model; nothing else has children."""
    if entry.kind is not ResourceKind.MODEL:
        return ()
    return tuple(entries.under(f"{entry.name}/"))


def _family(name: str, entries: Entries) -> Iterable[str]:
    old = entries.get(name)
    return (name, *(child.name for child in children(entries, old))) if old is not None else (name,)


def _decide(request: Deregistration, state: State) -> Plan:
    old = state.entries.get(request.name)
    if old is None:
        if not request.allow_missing:
            raise NotFoundError(f"{request.name} does not exist", metadata={"name": request.name})
        return Plan(Write(), touched=frozenset((request.name,)), facts={"names": []})
    gone = (old, *children(state.entries, old))
    for entry in gone:
        # Whoever holds a lease on an endpoint still serves the model: it is not taken away under them.
        check_owner(state, entry.name, request.owner_id)
    check_etag(request.etag, old, request.name, "etag")
    names = [entry.name for entry in gone]
    return Plan(removal(state, gone), touched=frozenset(names), facts={"names": names})


def _answer(revision: int, facts: Facts, _entries: Sequence[Entry]) -> DeregisterResult:
    return DeregisterResult(revision, tuple(facts["names"]))
