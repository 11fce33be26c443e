"""How a call must have ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from tests.faults.calling import DEADLINE, Got
from tests.faults.table import SAID_AS, Ends
from tests.faults.wires import TEXT, WORDS

ANSWERED = Ends()


async def timed(calling: Coroutine[Any, Any, Got]) -> Got:
    """Return what a call got. It must end well before the caller's deadline."""
    started = time.monotonic()
    got = await asyncio.wait_for(calling, DEADLINE)
    assert time.monotonic() - started < DEADLINE / 2
    return got


def as_it_ends(got: Got, ends: Ends) -> None:
    """See that the caller got the whole answer, or the error and only what had come before it, and no end."""
    text = "".join(WORDS[: ends.words]) if ends.reason else TEXT
    assert (got.text, got.reason) == (text, ends.reason)
    assert got.whole == got.finished == (not ends.reason)
    if ends.reason:
        code, status = SAID_AS[ends.reason]
        assert got.status in (code, 200 if ends.words else status)
