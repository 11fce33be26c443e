"""What verdicts of probes change."""

from __future__ import annotations

from collections.abc import Sequence

from airegistry.resources.resource import ResourceKind
from registry.entry import Draft, Entry
from registry.planning.plan import Facts, Order, Plan, State, no_leases
from registry.planning.proposal import restated
from registry.probes.verdict import Verdict, restate
from registry.store.records import Change, Write


def order_verdicts(verdicts: Sequence[Verdict]) -> Order[tuple[str, ...]]:
    """Return the order to show *verdicts*, at most one for each name; it answers with the names that changed."""
    return Order(lambda state: _decide(verdicts, state), _answer, no_leases)


def _decide(verdicts: Sequence[Verdict], state: State) -> Plan:
    drafts = [draft for verdict in verdicts if (draft := _shown(verdict, state)) is not None]
    return Plan(
        Write(tuple(Change(state.entries[draft.name], draft) for draft in drafts)),
        touched=frozenset(verdict.name for verdict in verdicts),
        facts={"names": tuple(draft.name for draft in drafts)},
    )


def _shown(verdict: Verdict, state: State) -> Draft | None:
    """Return the next state of the endpoint; None when it says that already, or is not the one that was probed."""
    old = state.entries.get(verdict.name)
    if old is None or old.kind is not ResourceKind.ENDPOINT or old.resource.uid != verdict.uid:
        return None
    status = restate(old.resource.status, verdict, state.time())
    return restated(old, status=status, time=state.time()) if status != old.resource.status else None


def _answer(_revision: int, facts: Facts, _entries: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(facts["names"])
