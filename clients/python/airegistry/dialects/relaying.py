"""A caller's own words passed on: what is not ours to change goes out byte for byte."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from airegistry.errors import InvalidArgumentError

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def relayed(wire: bytes, ours: Collection[str], body: Mapping[str, Any]) -> bytes:
    """Return the JSON object *wire* with its members *ours* replaced by those of *body*, or left out where it has none.

    Every other member keeps its bytes, whatever is in it. Raises InvalidArgumentError when *wire* is no JSON object.
    """
    try:
        members: dict[str, Any] = dict(_members.decode(wire))
    except msgspec.DecodeError as error:
        raise InvalidArgumentError("the body is not a JSON object") from error
    for name in ours:
        members.pop(name, None)
    members.update({name: body[name] for name in ours if name in body})
    return msgspec.json.encode(members)
