"""What the passing of time changes: leases that nobody renews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from airegistry.resources.resource import Liveness, ResourceStatus
from registry.entry import Entry
from registry.leases import Lease
from registry.planning.deregister import children
from registry.planning.plan import Facts, Order, Plan, State
from registry.planning.proposal import restated
from registry.store.records import Change, Write


@dataclass(frozen=True, slots=True)
class Expired:
    """What one pass did, by name."""

    suspected: tuple[str, ...]
    removed: tuple[str, ...]


def order_expiry() -> Order[Expired]:
    """Return the order to take the next step with the leases that are due."""
    # Decided in the queue of writes like everything else: a renewal is either before it or after it.
    return Order(_decide, _answer)


def _decide(state: State) -> Plan:
    due = [lease for lease in state.leases.due() if lease.name in state.entries]
    suspected = [lease for lease in due if not lease.suspect]
    overdue = {lease.name for lease in due if lease.suspect}
    kept = {name for name in overdue if not _removable(state.entries[name], overdue, state)}
    removed = sorted(overdue - kept)
    changes = [*(_suspicion(lease, state) for lease in suspected), *(Change(state.entries[n], None) for n in removed)]
    leases = [
        *(replace(lease, suspect=True) for lease in suspected),
        *(replace(lease, renewed_at=state.now()) for lease in due if lease.name in kept),
    ]
    return Plan(
        Write(tuple(changes), tuple(leases), ended_leases=tuple(removed)),
        touched=frozenset(lease.name for lease in due),
        facts={"suspected": tuple(lease.name for lease in suspected), "removed": tuple(removed)},
    )


def _removable(entry: Entry, overdue: set[str], state: State) -> bool:
    """Say whether a resource may go: a model that is still served stays, suspect, and is looked at again later."""
    return all(child.name in overdue for child in children(state, entry))


def _suspicion(lease: Lease, state: State) -> Change:
    old = state.entries[lease.name]
    status = replace(old.resource.status or ResourceStatus(), liveness=Liveness.SUSPECT)
    return Change(old, restated(old, status=status, time=state.time()))


def _answer(_revision: int, facts: Facts, _entries: Sequence[Entry]) -> Expired:
    return Expired(facts["suspected"], facts["removed"])
