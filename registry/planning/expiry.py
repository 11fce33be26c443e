"""What the passing of time changes: leases that nobody renews.

A lease that runs out makes its resource SUSPECT, and later takes it away. When too many run out at once, nothing ends:
what would be next is PRESERVED, until its holder renews it or so few are overdue that their end can be believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from airegistry.resources.resource import Liveness, ResourceStatus
from registry.entry import Entry
from registry.leases import Due, Lease
from registry.planning.deregister import children
from registry.planning.plan import Facts, Order, Plan, State
from registry.planning.proposal import restated
from registry.store.records import Change, Write


@dataclass(frozen=True, slots=True)
class Expired:
    """What one pass did, by name."""

    suspected: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    preserved: tuple[str, ...] = ()


def order_expiry(due: Due) -> Order[Expired]:
    """Return the order to take the next step with the leases that are due."""
    # Decided in the queue of writes like everything else: a renewal is either before it or after it.
    names = [lease.name for lease in due.leases]
    return Order(lambda state: _decide(due, state), _answer, lambda _entries: names, fenced=True)


def _decide(due: Due, state: State) -> Plan:
    leases = [lease for lease in due.leases if _still_due(lease, state)]
    removed = [] if due.preserving else _removable([lease for lease in leases if _ends(lease)], state)
    preserved = [lease for lease in leases if due.preserving and lease.liveness is not Liveness.PRESERVED]
    suspected = [] if due.preserving else [lease for lease in leases if not _ends(lease)]
    # A model that is still served stays, suspect, and is looked at again later.
    kept = [lease for lease in leases if not due.preserving and _ends(lease) and lease.name not in removed]
    changes = [
        *(_restated(lease, Liveness.SUSPECT, state) for lease in suspected),
        *(_restated(lease, Liveness.PRESERVED, state) for lease in preserved),
        *(Change(state.entries[name], None) for name in removed),
    ]
    written = [
        *(replace(lease, liveness=Liveness.SUSPECT) for lease in suspected),
        *(replace(lease, liveness=Liveness.PRESERVED) for lease in preserved),
        *(replace(lease, renewed_at=state.now()) for lease in kept),
    ]
    return Plan(
        Write(tuple(changes), tuple(written), ended_leases=tuple(removed), epoch=due.epoch),
        touched=frozenset(lease.name for lease in leases),
        facts={
            "suspected": tuple(lease.name for lease in suspected),
            "removed": tuple(removed),
            "preserved": tuple(lease.name for lease in preserved),
        },
    )


def _ends(lease: Lease) -> bool:
    return lease.liveness is Liveness.SUSPECT


def _still_due(lease: Lease, state: State) -> bool:
    """Say whether nothing was written to the lease since it was found due."""
    known = state.leases.get(lease.name)
    return known is not None and known.seq == lease.seq and lease.name in state.entries


def _removable(overdue: Sequence[Lease], state: State) -> list[str]:
    """Return the names of those that may go: all but a model with endpoints that stay."""
    names = {lease.name for lease in overdue}
    return sorted(
        name for name in names if all(child.name in names for child in children(state.entries, state.entries[name]))
    )


def _restated(lease: Lease, liveness: Liveness, state: State) -> Change:
    old = state.entries[lease.name]
    status = replace(old.resource.status or ResourceStatus(), liveness=liveness)
    return Change(old, restated(old, status=status, time=state.time()))


def _answer(_revision: int, facts: Facts, _entries: Sequence[Entry]) -> Expired:
    return Expired(facts["suspected"], facts["removed"], facts["preserved"])
