"""Answers of providers that speak Anthropic's format: their bytes, with the account of the call beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import orjson

from airegistry.invocations.invocation import Settlement
from gateway.fronts.anthropic.account import account_value

_ACCOUNTED: Final = "message_delta"


class _Event(msgspec.Struct):
    type: str = ""


_event = msgspec.json.Decoder(_Event)


def relayed_body(wire: bytes, settlement: Settlement) -> bytes:
    """Return an answer, or one event of it, with the account of the call as one more field at its end."""
    account: dict[str, Any] = {"airegistry": account_value(settlement, [])}
    return wire.rstrip()[:-1] + b"," + orjson.dumps(account)[1:]


def relayed_event(data: bytes) -> bytes:
    """Return an event of the provider's as one of ours, under the name that its data has."""
    lines = data.replace(b"\n", b"\ndata: ") if b"\n" in data else data
    return b"event: " + _event.decode(data).type.encode() + b"\ndata: " + lines + b"\n\n"


def relayed_end(events: Sequence[bytes], settlement: Settlement) -> bytes:
    """Return the last events of an answer; the account stands in the one that says why it ended."""
    told = list(events)
    for i, data in enumerate(told):
        if _event.decode(data).type == _ACCOUNTED:
            told[i] = relayed_body(data, settlement)
            break
    return b"".join(map(relayed_event, told))
