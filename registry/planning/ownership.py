"""Who may write to a leased resource."""

from __future__ import annotations

from airegistry.errors import InvalidArgumentError, OwnedByAnotherError
from registry.planning.plan import State
from registry.requests import MAX_LEASE_TTL, MAX_OWNER_ID, MIN_LEASE_TTL, MIN_OWNER_ID


def check_owner_id(owner_id: str) -> None:
    """Refuse an owner_id of the wrong length; empty is none."""
    if owner_id and not MIN_OWNER_ID <= len(owner_id) <= MAX_OWNER_ID:
        raise InvalidArgumentError.of("owner_id", f"must have {MIN_OWNER_ID} to {MAX_OWNER_ID} characters")


def check_lease(owner_id: str, lease_ttl: float | None) -> None:
    """Refuse a lease out of bounds, or one that nobody holds."""
    check_owner_id(owner_id)
    if lease_ttl is None:
        return
    # Written so that NaN is refused.
    if not MIN_LEASE_TTL <= lease_ttl <= MAX_LEASE_TTL:
        raise InvalidArgumentError.of("lease_ttl", f"must be {MIN_LEASE_TTL:g} s to {MAX_LEASE_TTL:g} s")
    if not owner_id:
        raise InvalidArgumentError.of("owner_id", "is required with lease_ttl")


def check_owner(state: State, name: str, owner_id: str) -> None:
    """Refuse a write to *name* by anybody but the holder of its live lease."""
    if state.leases.held_by_another(name, owner_id):
        raise OwnedByAnotherError(f"{name} is leased by another owner", metadata={"name": name})
