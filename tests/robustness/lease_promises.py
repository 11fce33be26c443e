"""The promises about leases as checks over a recorded history and the event table; each raises AssertionError."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.robustness.case import SLACK, Case
from tests.robustness.ground_truth import Fact
from tests.robustness.versions import LIVE, SUSPECT

MIN_REMOVAL = 60.0


@dataclass(frozen=True, slots=True)
class Renewal:
    """An acknowledged renewal, between two moments of the wall clock."""

    owner: str
    start: float
    end: float


def check_time_to_live(case: Case) -> None:
    """Leases live at least for their time to live after each acknowledged renewal, by the store's clock."""
    renewals = _renewals(case)
    for fact, renewed in _ends(case, renewals):
        assert fact.old is not None
        lived = fact.time - renewed
        if fact.new is None:
            least = max(3 * (fact.old.ttl or 0), MIN_REMOVAL)
            assert lived >= least, f"{fact.name} was removed by {fact.revision}, {lived:.2f} s after its renewal"
        else:
            least = fact.old.ttl or 0
            assert lived >= least, f"{fact.name} became SUSPECT by {fact.revision}, {lived:.2f} s after its renewal"


def check_revived(case: Case) -> None:
    """A lease whose renewal was acknowledged is live at the revision of the answer; one that is said to be gone is gone."""
    for beat in case.history.heartbeats:
        if not beat.sent.ok or beat.sent.revision < case.first:
            continue
        for name, reason in beat.results.items():
            found = case.at(name, beat.sent.revision)
            what = f"the heartbeat of {name}, answered at {beat.sent.revision}"
            if not reason:
                assert found is not None, f"{what}: it was not there"
                assert found.liveness == LIVE, f"{what}: it stayed {found}"
            elif reason == "LEASE_EXPIRED":
                assert found is None or found.ttl is None, f"{what}: it has a lease: {found}"


def check_owned(case: Case) -> None:
    """Owned: while a lease lives, nobody else writes to its resource, unless they take it over."""
    renewals = _renewals(case)
    for write in case.history.writes:
        if not write.sent.ok or not write.changed or write.take_over or write.sent.revision <= case.first:
            continue
        for fact in case.facts.get(write.sent.revision, ()):
            if fact.old is None or fact.old.ttl is None:
                continue
            others = [r for r in renewals[fact.name] if r.owner != write.owner and _between(case, r, fact)]
            for renewal in others:
                lived = fact.time - (renewal.start - SLACK)
                assert lived >= fact.old.ttl, (
                    f"{write.token} of {write.owner!r} wrote to {fact.name} {lived:.2f} s after {renewal.owner} renewed it"
                )


def _between(case: Case, renewal: Renewal, fact: Fact) -> bool:
    """Say whether a renewal was the last thing that happened to the lease before *fact*, as far as the log tells."""
    assert fact.old is not None
    return renewal.end <= fact.time and renewal.start - SLACK >= _time_of(case, fact.old.revision)


def _time_of(case: Case, revision: int) -> float:
    facts = case.facts.get(revision)
    return facts[0].time if facts else 0.0


def _renewals(case: Case) -> dict[str, list[Renewal]]:
    found: dict[str, list[Renewal]] = defaultdict(list)
    wall = case.history.wall
    for beat in case.history.heartbeats:
        for name, reason in beat.results.items():
            if not reason:
                found[name].append(Renewal(beat.owner, wall(beat.sent.start), wall(beat.sent.end)))
    return found


def _ends(case: Case, renewals: dict[str, list[Renewal]]) -> Iterator[tuple[Fact, float]]:
    """Yield what the passing of time did, each with the time of the last renewal that is certain to have come before."""
    renewed: dict[str, float] = {}
    granted = {write.token for write in case.history.writes if write.ttl is not None}
    by_request = {write.sent.revision for write in case.history.writes if write.removed}
    for revision in sorted(case.facts):
        for fact in case.facts[revision]:
            old, new = fact.old, fact.new
            suspected = new is not None and new.liveness == SUSPECT and (old is None or old.liveness != SUSPECT)
            # One that a lost Deregister removed has no time to keep: those are the business of check_no_phantom.
            removed = new is None and old is not None and old.liveness == SUSPECT and revision not in by_request
            if (suspected or (removed and not _may_be_lost(case, fact))) and fact.name in renewed:
                told = (r.start - SLACK for r in renewals[fact.name] if r.end + SLACK <= fact.time)
                yield fact, max(renewed[fact.name], max(told, default=0.0))
            # A registration, and a heartbeat that revives, renew at the very time of their revision.
            if new is not None and new.liveness == LIVE and _restarts(fact, granted):
                renewed[fact.name] = fact.time


def _restarts(fact: Fact, granted: set[str]) -> bool:
    """Say whether a fact renews the lease: an Update of what nobody renewed in time does not."""
    assert fact.new is not None
    if fact.old is None or fact.old.etag != fact.new.etag:
        return fact.new.token in granted
    return fact.old.liveness != LIVE


def _may_be_lost(case: Case, fact: Fact) -> bool:
    return any(
        write.method == "deregister" and not write.sent.ok and fact.name.startswith(write.names[0])
        for write in case.history.writes
    )
