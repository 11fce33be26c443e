"""The promises about reads as checks over a recorded history and the event table; each raises AssertionError."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from tests.robustness.case import Case
from tests.robustness.history import Fate, Level, Read
from tests.robustness.payloads import collection
from tests.robustness.versions import SUSPECT, Version


def check_linearizable(case: Case) -> None:
    """Linearizable: a read shows every revision that anybody knew of before it began, by any replica."""
    for read in case.history.reads:
        if read.sent.ok and read.level is Level.LINEARIZABLE:
            floor = case.floor(read.sent.start)
            what = f"{read.method} of {read.wanted} by {read.sent.client} at replica {read.sent.replica}"
            assert read.sent.revision >= floor, f"{what} showed {read.sent.revision}, though {floor} was known"


def check_not_older(case: Case) -> None:
    """Not older than: a read shows the revision that it asked for, or a later one."""
    for read in case.history.reads:
        if read.sent.ok and read.level is Level.NOT_OLDER_THAN:
            assert read.sent.revision >= read.min_revision, (
                f"{read.method} of {read.wanted} showed {read.sent.revision}, and had to show {read.min_revision}"
            )


def check_replayed(case: Case) -> None:
    """One revision: a read at r shows what the changes up to r lead to, of whatever level it is."""
    reads = sorted((read for read in case.history.reads if read.sent.ok), key=lambda read: read.sent.revision)
    # Those of a revision before this history began cannot be judged.
    at = bisect_left(reads, case.first, key=lambda read: read.sent.revision)
    for revision, state in case.states():
        while at < len(reads) and reads[at].sent.revision == revision:
            _check_shown(reads[at], state)
            at += 1
    assert at == len(reads), f"a read showed {reads[at].sent.revision}; the newest is {case.newest}"


def check_absent(case: Case) -> None:
    """What a read did not find was not there at some moment of the call."""
    for read in case.history.reads:
        if read.sent.fate is Fate.REFUSED and read.sent.reason == "NOT_FOUND":
            low = {Level.LINEARIZABLE: case.floor(read.sent.start), Level.NOT_OLDER_THAN: read.min_revision}
            moments = set(case.between([read.wanted], low.get(read.level, case.first), case.ceiling(read.sent.end)))
            assert any(case.at(read.wanted, moment) is None for moment in moments), (
                f"{read.wanted} was not found, and was there at {sorted(moments)}"
            )


def _check_shown(read: Read, state: Mapping[str, Version]) -> None:
    shown = {version.name: version for version in read.shown}
    what = f"{read.method} of {read.wanted} at {read.sent.revision}, replica {read.sent.replica},"
    assert len(shown) == len(read.shown), f"{what} has a name twice"
    wanted = {name: state[name] for name in shown if name in state}
    match read.method:
        case "get":
            wanted = {read.wanted: state[read.wanted]} if read.wanted in state else {}
        case "list":
            wanted = collection(state.values(), read.wanted)
        case "discover":
            # Which of them are the best is not this check's business.
            suspect = [name for name, version in shown.items() if version.liveness == SUSPECT]
            assert not suspect, f"{what} has what nobody renewed: {suspect}"
    if shown != wanted:
        wrong = sorted(name for name in shown.keys() | wanted.keys() if shown.get(name) != wanted.get(name))
        raise AssertionError(f"{what} is wrong about {[(n, shown.get(n), wanted.get(n)) for n in wrong[:2]]}")
