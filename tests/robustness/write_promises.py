"""The promises about writes as checks over a recorded history and the event table; each raises AssertionError."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.robustness.case import SLACK, Case
from tests.robustness.ground_truth import Fact
from tests.robustness.history import Fate, Write
from tests.robustness.validators import check_gapless
from tests.robustness.versions import SUSPECT

# A List whose first page is compacted away meanwhile is told so.
EXPECTED = {"NOT_FOUND", "ALREADY_EXISTS", "OWNED_BY_ANOTHER", "ETAG_MISMATCH", "OVERLOADED", "REVISION_COMPACTED"}


def check_answers(case: Case) -> None:
    """Nobody is answered with an error that the request did not ask for."""
    strange = Counter(
        sent.reason for sent in case.history.calls() if sent.fate is Fate.REFUSED and sent.reason not in EXPECTED
    )
    assert not strange, f"refused for no good reason: {dict(strange)}"


def check_revisions(case: Case) -> None:
    """Gapless: no revision is missing, and none is of the future."""
    check_gapless(case.log, case.first + 1)
    ahead = {sent.revision for sent in case.history.calls() if sent.revision > case.newest}
    assert not ahead, f"told, but never made: {sorted(ahead)}"


def check_batches(case: Case) -> None:
    """All or nothing: what one request changed has one revision, whole, and no revision is of two requests."""
    asked = {write.token: write for write in case.history.writes if write.method != "deregister"}
    for revision, facts in case.facts.items():
        written = [fact for fact in facts if _is_content(fact)]
        tokens = {fact.new.token for fact in written if fact.new is not None}
        assert len(tokens) <= 1, f"revision {revision} is of several requests: {sorted(tokens)}"
        assert not tokens or len(written) == len(facts), f"revision {revision} is of a request and of something else"
        for write in (asked[token] for token in tokens if token in asked):
            names = sorted(fact.name for fact in written)
            assert names == sorted(write.names), f"revision {revision} has {names} of {sorted(write.names)}"
        removed = [fact for fact in facts if fact.new is None]
        for fact in removed:
            left = [name for name in _children(case, fact.name) if case.at(name, revision) is not None]
            assert not left, f"revision {revision} took {fact.name} and left {left}"


def check_durable(case: Case) -> None:
    """Durable: what was acknowledged is in the log, at its revision and as it was shown."""
    for write in case.history.writes:
        if not write.sent.ok or not write.changed or write.sent.revision <= case.first:
            continue
        facts = {fact.name: fact for fact in case.facts.get(write.sent.revision, ())}
        what = f"{write.method} {write.token} was acknowledged at {write.sent.revision}"
        if write.method == "deregister":
            gone = sorted(name for name, fact in facts.items() if fact.new is None)
            assert gone == sorted(write.removed), f"{what}: it removed {gone}, not {sorted(write.removed)}"
            continue
        tokens = {fact.new.token for fact in facts.values() if fact.new is not None}
        assert write.token in tokens, f"{what}, where the log has {sorted(tokens)}"
        for version in write.shown:
            stored = case.at(version.name, write.sent.revision)
            assert stored == version, f"{what} with {version}, the log has {stored}"


def check_no_phantom(case: Case) -> None:
    """No phantom: what is in the log was asked for, not refused, and done no more often than it was asked for."""
    attempts = defaultdict(list)
    for write in case.history.writes:
        attempts[write.token].append(write)
    made: dict[str, set[int]] = defaultdict(set)
    for fact in _all(case):
        if _is_content(fact) and fact.new is not None:
            made[fact.new.token].add(fact.revision)
    for token, revisions in made.items():
        asked = attempts.get(token)
        assert asked, f"{sorted(revisions)} is of {token!r}, which nobody sent"
        possible = [write for write in asked if write.sent.fate is not Fate.REFUSED]
        assert possible, f"{token} was refused ({asked[0].sent.reason}), and is in the log at {sorted(revisions)}"
        most = 1 if asked[0].request_id else sum(write.changed for write in possible)
        assert len(revisions) <= most, f"{token} was done {len(revisions)} times, at {sorted(revisions)}"
    _check_removals(case)


def check_changes(case: Case) -> None:
    """Idempotent: a revision changes something."""
    for fact in _all(case):
        if fact.old is not None and fact.new is not None:
            same = (fact.old.etag, fact.old.status, fact.old.uid) == (fact.new.etag, fact.new.status, fact.new.uid)
            assert not same, f"revision {fact.revision} changed nothing about {fact.name}"


def check_idempotent(case: Case) -> None:
    """Idempotent: all answers to one request_id are the first one."""
    answers: dict[str, Write] = {}
    for write in case.history.writes:
        if write.request_id and write.sent.ok:
            first = answers.setdefault(write.request_id, write)
            given, again = ((w.sent.revision, [v.digest for v in w.shown], w.removed) for w in (first, write))
            assert given == again, f"{write.token} was answered {given}, and then {again}"
    done = {fact.new.token: fact.revision for fact in _all(case) if fact.new is not None and _is_content(fact)}
    for write in case.history.writes:
        if write.request_id and write.sent.fate is Fate.REFUSED and write.token in done:
            known = case.floor(write.sent.start)
            assert done[write.token] > known, f"{write.token} was done at {done[write.token]}, and then refused"


def check_conditional(case: Case) -> None:
    """A condition that a write was made on held at the revision before it; one that failed did so at some moment of the call."""
    for write in case.history.writes:
        if write.sent.ok and write.changed and write.sent.revision > case.first:
            before = write.sent.revision - 1
            for name, etag in write.etags.items():
                found = case.at(name, before)
                assert getattr(found, "etag", None) == etag, f"{write.token} expected {etag} of {name}: {found}"
            there = [name for name in write.names if write.create_only and case.at(name, before) is not None]
            assert not there, f"{write.token} created what was there: {there}"
        elif write.sent.fate is Fate.REFUSED:
            _check_refusal(case, write)


def _check_refusal(case: Case, write: Write) -> None:
    names = {*write.names, *(name.partition("/endpoints/")[0] for name in write.names)}
    if write.method == "deregister":
        names.update(_children(case, write.names[0]))
    moments = set(case.between(names, case.floor(write.sent.start), case.ceiling(write.sent.end)))
    if write.sent.reason not in ("ETAG_MISMATCH", "ALREADY_EXISTS", "NOT_FOUND", "OWNED_BY_ANOTHER"):
        return
    assert any(_refusable(case, write, names, moment) for moment in moments), (
        f"{write.method} {write.token} was refused with {write.sent.reason}, which was true at no revision of {sorted(moments)}"
    )


def _refusable(case: Case, write: Write, names: Iterable[str], revision: int) -> bool:
    match write.sent.reason:
        case "ETAG_MISMATCH":
            found = ((case.at(name, revision), etag) for name, etag in write.etags.items())
            return any(version is None or version.etag != etag for version, etag in found)
        case "ALREADY_EXISTS":
            return any(case.at(name, revision) is not None for name in write.names)
        case "NOT_FOUND":
            return any(case.at(name, revision) is None for name in names)
    return any((version := case.at(name, revision)) is not None and version.ttl is not None for name in names)


def check_real_time(case: Case) -> None:
    """Linearizable: a write that begins after another was acknowledged has the higher revision."""
    first: dict[str, Write] = {}
    for write in case.history.writes:
        key = write.request_id or f"{write.token} at {write.sent.start}"
        first.setdefault(key, write)
        if write.sent.ok and write.changed:
            began = first[key].sent.start
            floor = case.floor(began)
            assert write.sent.revision > floor, (
                f"{write.token} has revision {write.sent.revision}, though {floor} was known before it began"
            )


def _check_removals(case: Case) -> None:
    """Each removal is an acknowledged one, a lost one, or the end of a lease."""
    acknowledged = {write.sent.revision for write in case.history.writes if write.removed}
    lost = [w for w in case.history.writes if w.method == "deregister" and w.sent.fate is Fate.LOST]
    lost.sort(key=lambda write: write.sent.start)
    used: set[str] = set()
    for revision in sorted(case.facts):
        facts = [fact for fact in case.facts[revision] if fact.new is None]
        if not facts or revision in acknowledged or all(_is_expiry(fact) for fact in facts):
            continue
        names = {fact.name for fact in facts}
        done = next((w for w in lost if _may_be(case, w, facts[0], names) and _attempt(w) not in used), None)
        assert done is not None, f"{revision} removed {sorted(names)}, which nobody asked for"
        used.add(_attempt(done))


def _may_be(case: Case, write: Write, fact: Fact, names: set[str]) -> bool:
    (root,) = write.names
    inside = root in names and all(name == root or name.startswith(f"{root}/") for name in names)
    return inside and case.history.wall(write.sent.start) <= fact.time + SLACK


def _attempt(write: Write) -> str:
    return write.request_id or f"{write.token} at {write.sent.start}"


def _is_expiry(fact: Fact) -> bool:
    return fact.old is not None and fact.old.liveness == SUSPECT


def _is_content(fact: Fact) -> bool:
    """Say whether a fact is of a request that gave a resource, and not only about its status."""
    if fact.new is None:
        return False
    return fact.old is None or fact.old.etag != fact.new.etag or fact.old.uid != fact.new.uid


def _children(case: Case, name: str) -> list[str]:
    if not name.startswith("models/") or "/endpoints/" in name:
        return []
    return [known for known in case.names() if known.startswith(f"{name}/")]


def _all(case: Case) -> Iterable[Fact]:
    return (fact for facts in case.facts.values() for fact in facts)
