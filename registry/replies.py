"""Replies kept for retries: the facts as JSON, then the bytes of the entries."""

from __future__ import annotations

import json
from collections.abc import Sequence

from airegistry.resources.names import parse_name
from registry.entry import Draft, Entry
from registry.planning.plan import Facts
from registry.store.records import SavedReply

# Stands for the revision of the write that the reply belongs to, which is not known when the reply is encoded.
_OWN = 0


def encode_reply(facts: Facts, shown: Sequence[Draft | Entry]) -> bytes:
    """Return the reply as it is saved."""
    index = [(e.name, e.revision if isinstance(e, Entry) else _OWN, len(e.body)) for e in shown]
    head = json.dumps({"facts": facts, "entries": index}).encode()
    return b"\n".join((head, b"".join(e.body for e in shown)))


def decode_reply(saved: SavedReply) -> tuple[Facts, tuple[Entry, ...]]:
    """Return the facts and the entries of a saved reply."""
    head, _, bodies = saved.reply.partition(b"\n")
    parsed = json.loads(head)
    entries, at = [], 0
    for name, revision, size in parsed["entries"]:
        body = bodies[at : at + size]
        entries.append(Entry(name=name, kind=parse_name(name).kind, revision=revision or saved.revision, body=body))
        at += size
    return parsed["facts"], tuple(entries)
