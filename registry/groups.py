"""Which requests are written together, and what is decided for each; nothing here waits or writes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from airegistry.errors import RequestIdReusedError
from registry.entry import Draft, Entry
from registry.planning.plan import Order, Plan, State
from registry.replies import decode_reply, encode_reply
from registry.store.records import Basis, Committed, Expected, Logged, SavedReply, Write

T = TypeVar("T")

MAX_GROUP = 64
MAX_GROUP_CHANGES = 2_000
"""What one transaction takes, in requests and in resources; a single request comes whole even when it is larger."""


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A request, and who waits for its answer."""

    order: Order[Any]
    reply: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class Planned:
    """A request that was decided and has something to write."""

    waiting: Waiting
    plan: Plan
    write: Write


@dataclass(slots=True)
class Group:
    """Requests that touch different names. `taken` counts those that were looked at, answered ones too."""

    planned: list[Planned] = field(default_factory=list)
    taken: int = 0
    changes: int = 0
    touched: set[str] = field(default_factory=set)
    revisions: dict[str, int] = field(default_factory=dict)
    leases: dict[str, int] = field(default_factory=dict)

    @property
    def writes(self) -> list[Write]:
        """What to write."""
        return [planned.write for planned in self.planned]

    @property
    def expected(self) -> Expected:
        """What was found where the group was decided."""
        return Expected(self.revisions, self.leases)

    def takes(self, planned: Planned, touched: frozenset[str]) -> bool:
        """Say whether a request can be written together with those that are here."""
        if not self.planned:
            return True
        return self.changes + len(planned.write.changes) <= MAX_GROUP_CHANGES and self.touched.isdisjoint(touched)

    def add(self, planned: Planned, state: State) -> None:
        """Take a request in."""
        self.planned.append(planned)
        self.changes += len(planned.write.changes)
        if planned.write.changes:
            for name in planned.plan.touched:
                known = state.entries.get(name)
                self.revisions[name] = known.revision if known is not None else 0
        for name in planned.waiting.order.leases(state.entries):
            lease = state.leases.get(name)
            # Nobody holding it was part of the decision, too.
            self.leases[name] = lease.seq if lease is not None else 0


def decide(waiting: Iterable[Waiting], state: State, basis: Basis) -> Group:
    """Decide requests, in order, until one has to wait for those before it; answer those that have nothing to write."""
    group = Group()
    for one in waiting:
        planned = _plan(one, state, basis)
        if planned is not None:
            touched = _touched(planned)
            if not group.takes(planned, touched):
                break
            group.touched |= touched
            if not _answered_unwritten(planned, state.revision):
                group.add(planned, state)
        group.taken += 1
    return group


def published(writes: Sequence[Write], committed: Committed) -> list[Logged]:
    """Return the revisions that *writes* have become."""
    return [
        Logged(
            revision,
            committed.time,
            {change.name: change.new.at(revision) if change.new is not None else None for change in write.changes},
        )
        for write, revision in zip(writes, committed.revisions, strict=True)
        if write.changes
    ]


def answer(planned: Planned, revision: int, made: Logged | None) -> None:
    """Answer a request that was written at *revision*, where *made* is what it changed."""
    entries = {name: entry for name, entry in made.entries.items() if entry is not None} if made is not None else {}
    _reply(planned, revision, [entries[one.name] if isinstance(one, Draft) else one for one in planned.plan.shown])


def _plan(waiting: Waiting, state: State, basis: Basis) -> Planned | None:
    """Decide a request; None when it has its answer, or nobody waits for it any more."""
    order = waiting.order
    if waiting.reply.done():
        return None
    try:
        if order.request_id in basis.replies and not order.validate_only:
            waiting.reply.set_result(_replay(order, basis.replies[order.request_id]))
            return None
        plan = order.decide(state)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer to this request and to no other
        waiting.reply.set_exception(error)
        return None
    return Planned(waiting, plan, _with_reply(order, plan))


def _answered_unwritten(planned: Planned, revision: int) -> bool:
    """Answer a request that has nothing to write."""
    if not planned.waiting.order.validate_only and not planned.write.empty:
        return False
    # Only a request that is not to be carried out shows drafts here.
    _reply(planned, revision, [one.at(0) if isinstance(one, Draft) else one for one in planned.plan.shown])
    return True


def _reply(planned: Planned, revision: int, entries: Sequence[Entry]) -> None:
    if not planned.waiting.reply.done():
        planned.waiting.reply.set_result(planned.waiting.order.answer(revision, planned.plan.facts, entries))


def _touched(planned: Planned) -> frozenset[str]:
    request_id = planned.waiting.order.request_id
    # No resource name has a colon.
    return planned.plan.touched | {f"request_id:{request_id}"} if request_id else planned.plan.touched


def _with_reply(order: Order[Any], plan: Plan) -> Write:
    """Return the write with the reply that a retry gets, saved in the same transaction."""
    if not order.request_id:
        return plan.write
    # The store fills in the revision.
    reply = SavedReply(order.request_id, order.fingerprint, 0, encode_reply(plan.facts, plan.shown))
    return replace(plan.write, reply=reply)


def _replay(order: Order[T], saved: SavedReply) -> T:
    if saved.fingerprint != order.fingerprint:
        raise RequestIdReusedError(
            f"request_id {order.request_id!r} was used before, with another payload",
            metadata={"request_id": order.request_id},
        )
    facts, entries = decode_reply(saved)
    return order.answer(saved.revision, facts, entries)
