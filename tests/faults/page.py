"""The rows of the page about faults, as the table of faults has them."""

from __future__ import annotations

from tests.faults.table import FAULTS, NO_MARK, SAID_AS, Ends, Fault

WHOLE_ANSWER = "the whole answer"
_REFUSED = {
    "CONTEXT_LENGTH_EXCEEDED": "nobody but who takes more",
    "CONTENT_REFUSED": "nobody, unless the route says so",
}


def fault_rows() -> list[str]:
    """Return a row for each fault: how calls end, and who is asked after it."""
    return [_row(fault) for fault in FAULTS]


def status_rows() -> list[str]:
    """Return a row for each error: its status over gRPC and HTTP."""
    return [f"| `{reason}` | `{code}` | {status} |" for reason, (code, status) in SAID_AS.items()]


def _row(fault: Fault) -> str:
    streamed = _told(fault.stream)
    if fault.id == NO_MARK:
        streamed = f"{WHOLE_ANSWER}; `TRUNCATED_ANSWER` where the format demands the mark"
    return f"| `{fault.id}` | {_told(fault.whole)} | {_next(fault.whole)} | {streamed} | {_next(fault.stream)} |"


def _told(ends: Ends) -> str:
    if not ends.reason:
        return WHOLE_ANSWER
    return f"`{ends.reason}`" + (" after the first tokens" if ends.words else "")


def _next(ends: Ends) -> str:
    if ends.final:
        return _REFUSED[ends.reason]
    if not ends.reason:
        return "the same once more" if ends.again else ""
    after = "the same once more, then another" if ends.again else "another"
    return f"{after}, for who can start again" if ends.words else after
