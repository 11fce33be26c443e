"""All validators over one case, and what they found."""

from __future__ import annotations

from collections.abc import Callable

from tests.robustness import lease_promises, read_promises, watch_promises, write_promises
from tests.robustness.case import Case

VALIDATORS: dict[str, Callable[[Case], None]] = {
    "Gapless": write_promises.check_revisions,
    "All or nothing": write_promises.check_batches,
    "Durable": write_promises.check_durable,
    "No phantom": write_promises.check_no_phantom,
    "No empty revision": write_promises.check_changes,
    "Idempotent": write_promises.check_idempotent,
    "Conditional": write_promises.check_conditional,
    "Real time": write_promises.check_real_time,
    "Expected answers": write_promises.check_answers,
    "Linearizable": read_promises.check_linearizable,
    "Not older than": read_promises.check_not_older,
    "One revision": read_promises.check_replayed,
    "Absent": read_promises.check_absent,
    "Time to live": lease_promises.check_time_to_live,
    "Revived": lease_promises.check_revived,
    "Owned": lease_promises.check_owned,
    "Ordered": watch_promises.check_ordered,
    "Unique": watch_promises.check_unique,
    "Atomic": watch_promises.check_atomic,
    "Reliable": watch_promises.check_reliable,
    "Resumable": watch_promises.check_resumable,
    "Bookmarkable": watch_promises.check_bookmarkable,
    "Filtered": watch_promises.check_filtered,
    "Refused streams": watch_promises.check_refused_streams,
}


def violations(case: Case) -> dict[str, str]:
    """Return what is wrong, by the promise that it breaks; empty when nothing is."""
    found = {}
    for promise, check in VALIDATORS.items():
        try:
            check(case)
        except AssertionError as error:
            found[promise] = str(error)
    return found
