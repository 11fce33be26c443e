"""Answers of providers that speak the caller's own format: their bytes, with the account of the call beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from airegistry.invocations.invocation import Settlement
from gateway.fronts.accounts import settlement_value

_END: Final = b"[DONE]"


def relayed_body(wire: bytes, settlement: Settlement) -> bytes:
    """Return a whole answer with the account of the call as one more field at its end."""
    account: dict[str, Any] = {"airegistry": settlement_value(settlement, [])}
    return wire.rstrip()[:-1] + b"," + orjson.dumps(account)[1:]


def relayed_events(events: Sequence[bytes]) -> bytes:
    """Return events of the provider's as ours, each in as many lines as its data had."""
    if not events:
        return b""
    return b"data: " + b"\n\ndata: ".join([data.replace(b"\n", b"\ndata: ") for data in events]) + b"\n\n"


def relayed_end(events: Sequence[bytes], settlement: Settlement, *, include_usage: bool) -> bytes:
    """Return the last events of an answer, those that tell its end among them, for callers as for OpenAI's.

    The account stands in the last one that has a choice. The usage, which we always ask for, goes to callers who did.
    """
    told = list(events)
    last = -1
    for i in range(len(told) - 1, -1, -1):
        value = {} if told[i].strip() == _END else orjson.loads(told[i])
        if value.get("choices"):
            last = i
            break
        if not value or (value.get("usage") and not include_usage):
            del told[i]
    if told:
        told[last] = relayed_body(told[last], settlement)
    return relayed_events(told)
