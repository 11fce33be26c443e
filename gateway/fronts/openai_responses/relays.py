"""Events of providers that speak the caller's own format: their bytes, with the account of the call in the last."""

from __future__ import annotations

from typing import Final

import msgspec

from airegistry.invocations.invocation import Settlement
from gateway.fronts.openai.relays import relayed_body


class _Typed(msgspec.Struct):
    type: str = ""


_type: Final = msgspec.json.Decoder(_Typed)
_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def relayed_event(data: bytes) -> bytes:
    """Return an event of the provider's as one of ours; what is no JSON (`[DONE]`) is nothing in this format."""
    try:
        kind = _type.decode(data).type
    except msgspec.DecodeError:
        return b""
    # A line break between two members would end the field.
    return b"event: " + kind.encode() + b"\ndata: " + data.replace(b"\r", b"").replace(b"\n", b" ") + b"\n\n"


def relayed_end(data: bytes, settlement: Settlement | None) -> bytes:
    """Return the event that ends an answer, with the account of the call in its response."""
    try:
        members = _members.decode(data)
    except msgspec.DecodeError:
        return relayed_event(data)
    if (response := members.get("response")) is not None:
        members["response"] = msgspec.Raw(relayed_body(bytes(response), settlement or Settlement()))
    return relayed_event(msgspec.json.encode(members))
