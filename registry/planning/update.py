"""What an Update would change."""

from __future__ import annotations

from collections.abc import Sequence

from airegistry.errors import InvalidArgumentError, NotFoundError
from airegistry.resources.names import parse_name
from airegistry.resources.resource import Resource
from registry.entry import Draft, Entry, content_of
from registry.planning.masks import apply_mask, check_mask
from registry.planning.ownership import check_owner, check_owner_id
from registry.planning.plan import Facts, Order, Plan, State, check_request_id, fingerprint, no_leases, refusal
from registry.planning.proposal import propose
from registry.requests import Update, UpdateResult
from registry.store.records import Change, Write


def order_update(update: Update) -> Order[UpdateResult]:
    """Do what needs no state: the form of the name and of the mask."""
    check_request_id(update.request_id)
    try:
        given = _check(update)
    except InvalidArgumentError as error:
        return Order(refusal(error), _answer, no_leases, update.request_id)
    content = content_of(given)
    return Order(
        lambda state: _decide(update, given, state),
        _answer,
        lambda _entries: (given.name,),
        update.request_id,
        fingerprint("Update", given.name, given.etag, content, _paths(update), update.owner_id),
        size=len(content),
        validate_only=update.validate_only,
    )


def _check(update: Update) -> Resource:
    if update.resource is None:
        raise InvalidArgumentError.of("resource", "is required")
    parse_name(update.resource.name, field="resource.name")
    check_owner_id(update.owner_id)
    check_mask(_paths(update), update.resource)
    return update.resource


def _paths(update: Update) -> tuple[str, ...]:
    return update.update_mask.paths if update.update_mask is not None else ()


def _decide(update: Update, given: Resource, state: State) -> Plan:
    old = state.entries.get(given.name)
    if old is None:
        raise NotFoundError(f"{given.name} does not exist", metadata={"name": given.name})
    merged = apply_mask(old.resource, given, _paths(update))
    (proposal,) = propose([("resource", merged)])
    check_owner(state, given.name, update.owner_id)
    proposal.check_etag(old)
    shown: Draft | Entry = old
    changes: tuple[Change, ...] = ()
    if proposal.etag != old.resource.etag:
        shown = proposal.draft(old, status=old.resource.status, time=state.time())
        changes = (Change(old, shown),)
    return Plan(Write(changes), touched=frozenset((given.name,)), shown=(shown,))


def _answer(revision: int, _facts: Facts, entries: Sequence[Entry]) -> UpdateResult:
    (entry,) = entries
    return UpdateResult(revision, entry)
