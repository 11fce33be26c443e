"""Each check of a whole history lets a sound one pass, and finds the one thing that is wrong with a broken one."""

from dataclasses import replace

import pytest

from tests.robustness.case import Case
from tests.robustness.ground_truth import Fact
from tests.robustness.history import Ended, Fate, Heartbeat, History, Level, Message, Opened, Read, Sent, Told, Write
from tests.robustness.judging import VALIDATORS, violations
from tests.robustness.versions import LIVE, SUSPECT, Version

SNAPSHOT, SNAPSHOT_END, CHANGES, BOOKMARK, RESET = 1, 2, 3, 4, 5
ADDED, UPDATED, REMOVED = 1, 2, 3
KINDS = {"models": 1, "endpoints": 2, "agents": 3}


def version(name, revision, token="", *, liveness=0, ttl=None, colour="blue"):
    kind = KINDS[name.split("/")[-2]]
    labels = {"token": token, "colour": colour}
    status = f"{liveness} {ttl}"
    return Version(name, revision, f"{name} {revision}", f"etag {token}", name, labels, kind, liveness, ttl, status, ())


M, E, A = "models/m", "models/m/endpoints/e", "agents/a"
M1, E1 = version(M, 1, "w1", colour="red"), version(E, 1, "w1")
M2 = version(M, 2, "w2")
A3 = version(A, 3, "w3", liveness=LIVE, ttl=2.0)
A4 = version(A, 4, "w3", liveness=SUSPECT, ttl=2.0)
A5 = version(A, 5, "w3", liveness=LIVE, ttl=2.0)
FACTS = {
    1: (Fact(1, M, 101.0, None, M1), Fact(1, E, 101.0, None, E1)),
    2: (Fact(2, M, 102.0, M1, M2),),
    3: (Fact(3, A, 103.0, None, A3),),
    4: (Fact(4, A, 106.0, A3, A4),),
    5: (Fact(5, A, 107.0, A4, A5),),
    6: (Fact(6, M, 108.0, M2, None), Fact(6, E, 108.0, E1, None)),
}


def sent(start, revision=0, fate=Fate.OK, reason="", replica=0):
    """A call of half a second; the store's clock is 100 s ahead of the monotonic one."""
    return Sent("c", replica, start, start + 0.5, fate, reason, revision)


def refused(start, reason):
    return sent(start, fate=Fate.REFUSED, reason=reason)


def lost(start):
    return sent(start, fate=Fate.LOST, reason="UNAVAILABLE")


def register(at, token, *shown, names=(), **more):
    return Write(at, "register", token, names or tuple(v.name for v in shown), shown=shown, **more)


def deregister(at, token, *removed, **more):
    return Write(at, "deregister", token, (M,), removed=removed, **more)


def get(at, *shown, wanted=M, level=Level.LINEARIZABLE, **more):
    return Read(at, "get", wanted, level, shown=shown, **more)


W1 = register(sent(0.8, 1), "w1", M1, E1, request_id="r1")
W1_AGAIN = replace(W1, sent=sent(1.4, 1))
W2 = Write(sent(1.8, 2), "update", "w2", (M,), etags={M: "etag w1"}, shown=(M2,))
W3 = register(sent(2.8, 3), "w3", A3, owner="owner-one", ttl=2.0)
STALE = register(refused(5, "ETAG_MISMATCH"), "w4", names=(M,), etags={M: "etag w1"})
EXISTS = register(refused(5, "ALREADY_EXISTS"), "w5", names=(M,), create_only=True)
REVIVED = Heartbeat(sent(6.8, 5), "owner-one", (A,), {A: ""})
GONE = deregister(lost(7.8), "w6")
GOT = get(sent(4, 3), M2)
MISSED = get(refused(9, "NOT_FOUND"))
LISTED = Read(sent(7.4, 5), "list", "models", Level.NOT_OLDER_THAN, 4, (M2,))

SOUND = [W1, W1_AGAIN, W2, W3, STALE, EXISTS, REVIVED, GONE, GOT, MISSED, LISTED]


def told(type_, version, revision=None):
    return Told(type_, revision or version.revision, version)


def message(stream, kind, revision, *events, token="t", fragment=False):  # noqa: S107 - a resume token
    return Message(stream, 9.0, kind, events, revision, token, fragment)


def opened(stream=1, filter_="everything", position=None, *, resumed=False):
    return Opened(stream, 1, "watcher", 0, 8.7, filter_, position, resumed)


FIRST = [
    opened(),
    message(1, SNAPSHOT, 1, told(ADDED, M1), told(ADDED, E1), token=""),
    message(1, SNAPSHOT_END, 1),
    message(1, CHANGES, 3, told(UPDATED, M2), told(ADDED, A3)),
    Ended(1, 9.0, Fate.LOST, "CUT"),
]
SECOND = [
    opened(2, position=3, resumed=True),
    message(2, CHANGES, 5, told(UPDATED, A4), told(UPDATED, A5)),
    message(2, CHANGES, 6, told(REMOVED, M2, 6), token="", fragment=True),
    message(2, CHANGES, 6, told(REMOVED, E1, 6)),
    message(2, BOOKMARK, 6),
]
STREAMS = [*FIRST, *SECOND]
RED = [
    opened(3, "red"),
    message(3, SNAPSHOT, 1, told(ADDED, M1), token=""),
    message(3, SNAPSHOT_END, 1),
    message(3, CHANGES, 2, told(REMOVED, M1, 2)),
    message(3, BOOKMARK, 6),
]
RESETTING = [
    *FIRST[:4],
    message(1, RESET, 5, token=""),
    message(1, SNAPSHOT, 5, told(ADDED, M2), told(ADDED, E1), told(ADDED, A5), token=""),
    message(1, SNAPSHOT_END, 5),
    message(1, BOOKMARK, 6 - 1),
]


def case(records=SOUND, streams=STREAMS, facts=FACTS, first=0, before=()):
    history = History(epoch=100.0)
    for record in (*records, *streams):
        history.add(record)
    return Case(history, facts, first, before)


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(case(), id="everything"),
        pytest.param(case(streams=RED), id="filtered"),
        pytest.param(case(streams=RESETTING), id="reset"),
        pytest.param(case([W3, LISTED, GONE], SECOND, {r: FACTS[r] for r in (3, 4, 5, 6)}, 2, [M2, E1]), id="later"),
    ],
)
def test_a_sound_history_passes(sound):
    assert violations(sound) == {}


def without(*gone, plus=()):
    return [record for record in SOUND if record not in gone] + list(plus)


def with_facts(**changed):
    return FACTS | {int(revision[1:]): facts for revision, facts in changed.items()}


def streams(at, *instead, of=STREAMS):
    return [*of[:at], *instead, *of[at + 1 :]]


LATE = {r: FACTS[r] for r in (1, 2, 3, 5, 6)}
EARLY_SUSPECT = Fact(4, A, 104.5, A3, A4)
BY_ANOTHER = version(A, 6, "w9", liveness=LIVE, ttl=2.0)
UNRENEWED_END = with_facts(r5=(Fact(5, A, 120.0, A4, None),), r6=(Fact(6, E, 121.0, E1, None),))
BROKEN = [
    ("Gapless", case(facts=LATE), "[4]", "hole"),
    ("Gapless", case(without(plus=[get(sent(9, 8))])), "never made: [8]", "ahead"),
    ("All or nothing", case(facts=with_facts(r1=FACTS[1][:1])), "revision 1 has", "half"),
    ("All or nothing", case(facts=with_facts(r3=(*FACTS[2], *FACTS[3]))), "several requests", "two-in-one"),
    ("All or nothing", case(facts=with_facts(r6=FACTS[6][:1])), "left ['models/m/endpoints/e']", "half-a-cascade"),
    ("Durable", case(facts={r: FACTS[r] for r in (1, 3, 4, 5, 6)}), "w2", "lost"),
    ("Durable", case(without(W2, plus=[replace(W2, shown=(replace(M2, digest="x"),))])), "the log has", "different"),
    ("No phantom", case(without(W2)), "nobody sent", "never-sent"),
    ("No phantom", case(without(W2, plus=[replace(W2, sent=refused(1.8, "ABORTED"))])), "was refused", "refused"),
    ("No phantom", case(without(GONE)), "which nobody asked for", "removed"),
    ("No phantom", case(facts=with_facts(r5=(Fact(5, A, 107.0, A4, version(A, 5, "w1")),))), "2 times", "twice"),
    (
        "No empty revision",
        case(facts=with_facts(r5=(Fact(5, A, 107.0, A4, replace(A4, revision=5)),))),
        "nothing",
        "empty",
    ),
    ("Idempotent", case(without(plus=[replace(W1, sent=sent(8, 4))])), "and then", "other-answer"),
    (
        "Idempotent",
        case(without(plus=[replace(W1, sent=refused(8, "ALREADY_EXISTS"))])),
        "then refused",
        "done-then-refused",
    ),
    ("Conditional", case(without(W2, plus=[replace(W2, etags={M: "x"})])), "expected x", "wrong-etag"),
    (
        "Conditional",
        case(without(plus=[replace(STALE, etags={M: "etag w2"})])),
        "true at no revision",
        "refused-in-vain",
    ),
    ("Conditional", case(without(W2, plus=[replace(W2, create_only=True)])), "created what was there", "created"),
    ("Real time", case(without(W2, plus=[replace(W2, sent=sent(8.9, 2))])), "known before", "stale"),
    ("Expected answers", case(without(plus=[get(refused(5, "INTERNAL"))])), "INTERNAL", "internal"),
    ("Linearizable", case(without(plus=[get(sent(8, 2), M2)])), "though 5 was known", "stale-read"),
    ("Not older than", case(without(plus=[replace(LISTED, min_revision=6)])), "had to show 6", "too-old"),
    ("One revision", case(without(plus=[get(sent(8, 5), M1)])), "wrong about", "old-content"),
    ("One revision", case(without(plus=[replace(LISTED, shown=())])), "wrong about", "incomplete-list"),
    ("One revision", case(without(plus=[replace(LISTED, shown=(M2, M2))])), "twice", "list-repeats"),
    ("Absent", case(without(plus=[get(refused(5, "NOT_FOUND"), wanted=E)])), "was there", "not-found"),
    ("Time to live", case(facts=with_facts(r4=(EARLY_SUSPECT,))), "1.50 s after", "suspect-early"),
    ("Time to live", case(facts=UNRENEWED_END), "was removed by 5, 13.40 s after", "removed-early"),
    ("Revived", case(without(plus=[replace(REVIVED, sent=sent(6.4, 4))])), "it stayed", "still-suspect"),
    ("Revived", case(without(plus=[replace(REVIVED, results={A: "LEASE_EXPIRED"})])), "it has a lease", "told-gone"),
    (
        "Ordered",
        case(streams=streams(6, message(2, CHANGES, 5, told(UPDATED, A5), told(UPDATED, A4)))),
        "out of order",
        "order",
    ),
    ("Unique", case(streams=streams(3, FIRST[3], FIRST[3])), "more than once", "twice"),
    (
        "Atomic",
        case(streams=streams(7, replace(SECOND[2], fragment=False, token="t"))),
        "of the 2 events of 6",
        "split",
    ),
    ("Reliable", case(streams=streams(6, message(2, CHANGES, 5, told(UPDATED, A5)))), "(4, 'agents/a')", "skipped"),
    ("Resumable", case(streams=streams(6, message(2, CHANGES, 5, told(UPDATED, A5)))), "(4, 'agents/a')", "lost"),
    (
        "Resumable",
        case(streams=streams(6, message(2, CHANGES, 5, told(ADDED, A3), *SECOND[1].events))),
        "repeated",
        "again",
    ),
    ("Bookmarkable", case(streams=[*FIRST[:4], message(1, BOOKMARK, 5)]), "was told before", "bookmark"),
    (
        "Filtered",
        case(streams=streams(3, message(3, CHANGES, 2, told(UPDATED, M1, 2)), of=RED)),
        "should be REMOVED",
        "type",
    ),
    (
        "Filtered",
        case(streams=streams(3, message(3, CHANGES, 2, told(REMOVED, M2)), of=RED)),
        "another resource",
        "content",
    ),
    ("Filtered", case(streams=streams(1, replace(FIRST[1], events=FIRST[1].events[:1]))), "is wrong about", "snapshot"),
    ("Ordered", case(streams=streams(2, message(1, BOOKMARK, 1))), "inside something", "no-end-of-snapshot"),
    ("Ordered", case(streams=streams(8, replace(SECOND[3], token=""))), "no token", "no-token"),
    (
        "Refused streams",
        case(streams=[opened(4, position=5), Ended(4, 9.0, Fate.REFUSED, "REVISION_IN_FUTURE")]),
        "was known",
        "future",
    ),
    (
        "Refused streams",
        case(
            streams=[
                opened(4, position=5),
                Ended(4, 9.0, Fate.REFUSED, "REVISION_COMPACTED", {"compact_revision": "3"}),
            ]
        ),
        "REVISION_COMPACTED",
        "not-compacted",
    ),
]
RENEWED = Heartbeat(sent(4, 3), "owner-one", (A,), {A: ""})
TAKEN = replace(register(sent(5.5, 4), "w9", BY_ANOTHER), owner="owner-two", ttl=2.0)


@pytest.mark.parametrize(
    ("promise", "broken", "words"),
    [pytest.param(*row[:3], id=f"{row[0]}-{row[3]}".replace(" ", "-")) for row in BROKEN],
)
def test_what_breaks_a_promise_is_found(promise, broken, words):
    with pytest.raises(AssertionError) as found:
        VALIDATORS[promise](broken)
    assert words in str(found.value)


def test_a_write_to_a_lease_that_lives_is_found():
    taken = replace(BY_ANOTHER, revision=4)
    facts = with_facts(r4=(Fact(4, A, 105.6, A3, taken),))
    with pytest.raises(AssertionError, match="wrote to agents/a"):
        VALIDATORS["Owned"](case([W3, RENEWED, TAKEN], (), facts))


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param(replace(TAKEN, take_over=True), id="taken-over"),
        pytest.param(replace(TAKEN, owner="owner-one"), id="own"),
    ],
)
def test_a_write_to_a_lease_by_who_may_passes(allowed):
    facts = with_facts(r4=(Fact(4, A, 105.6, A3, replace(BY_ANOTHER, revision=4)),))
    VALIDATORS["Owned"](case([W3, RENEWED, allowed], (), facts))


def test_an_update_of_what_nobody_renewed_in_time_renews_nothing():
    updated = version(A, 4, "w8", liveness=LIVE, ttl=2.0)
    facts = {
        **{revision: FACTS[revision] for revision in (1, 2, 3)},
        4: (Fact(4, A, 105.5, A3, updated),),
        5: (Fact(5, A, 105.6, updated, replace(updated, revision=5, liveness=SUSPECT)),),
    }
    VALIDATORS["Time to live"](case([W3, Write(sent(5.2, 4), "update", "w8", (A,))], (), facts))


def test_every_validator_was_seen_to_fail():
    assert {row[0] for row in BROKEN} | {"Owned"} == set(VALIDATORS)


def test_a_history_is_the_same_after_a_file(tmp_path):
    kept = case(
        streams=[*STREAMS, Ended(2, 9.5, Fate.REFUSED, "REVISION_COMPACTED", {"compact_revision": "9"})]
    ).history
    kept.dump(tmp_path / "history.jsonl")
    loaded = History.load(tmp_path / "history.jsonl")
    assert vars(loaded) == vars(kept)
