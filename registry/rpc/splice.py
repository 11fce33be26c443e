"""Answers joined from bytes that exist already.

The one place that writes protobuf by hand. A resource keeps its serialized form (`Entry.wire`), so an answer that contains it
needs only a tag and a length before those bytes. Fields may come in any order, so the rest of an answer is an ordinary
message whose bytes stand in front.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import cache, lru_cache

from google.protobuf.message import Message

from airegistry.discovery.answers import Score
from airegistry.v1 import discovery_pb2, registry_service_pb2

_LENGTH_DELIMITED = 2
_VARINT = 0
_SEVEN_BITS = 0x7F


@lru_cache(maxsize=8192)
def varint(number: int) -> bytes:
    """Return a non-negative number as a varint."""
    written = bytearray()
    while number > _SEVEN_BITS:
        written.append(number & _SEVEN_BITS | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def _tag(message: type[Message], field: str, wire_type: int = _LENGTH_DELIMITED) -> bytes:
    return varint(message.DESCRIPTOR.fields_by_name[field].number << 3 | wire_type)


REGISTER_RESOURCES = _tag(registry_service_pb2.RegisterResponse, "resources")
GET_RESOURCE = _tag(registry_service_pb2.GetResponse, "resource")
UPDATE_RESOURCE = _tag(registry_service_pb2.UpdateResponse, "resource")
LIST_RESOURCES = _tag(registry_service_pb2.ListResponse, "resources")
_DISCOVER_CANDIDATES = _tag(registry_service_pb2.DiscoverResponse, "candidates")
BATCH_RESPONSES = _tag(registry_service_pb2.BatchDiscoverResponse, "responses")
WATCH_EVENTS = _tag(registry_service_pb2.WatchResponse, "events")

_EVENT_TYPE = _tag(registry_service_pb2.WatchEvent, "type", _VARINT)
_EVENT_REVISION = _tag(registry_service_pb2.WatchEvent, "revision", _VARINT)
_EVENT_RESOURCE = _tag(registry_service_pb2.WatchEvent, "resource")

_CANDIDATE_RESOURCE = _tag(discovery_pb2.Candidate, "resource")
_CANDIDATE_MODEL = _tag(discovery_pb2.Candidate, "model")
_CANDIDATE_SCORE = _tag(discovery_pb2.Candidate, "score")
_CANDIDATE_COST = _tag(discovery_pb2.Candidate, "cost_nanos", _VARINT)
_CANDIDATE_INVOCABLE = _tag(discovery_pb2.Candidate, "invocable", _VARINT) + b"\x01"

# The tags of Score and of ScorePart. Kinds and bases are below 128 and a double has 8 bytes, so every part has one length.
_TOTAL_TAG, _PART_TAG, _PART_LENGTH = 0x09, 0x12, 31
_KIND, _VALUE, _WEIGHT, _CONTRIBUTION, _BASIS = 0x08, 0x11, 0x19, 0x21, 0x28


def joined(head: Message, tag: bytes, values: Iterable[bytes]) -> bytes:
    """Return *head* with each of *values* as one more element of the field that *tag* stands for."""
    return b"".join((head.SerializeToString(), *(framed(tag, value) for value in values)))


def framed(tag: bytes, value: bytes) -> bytes:
    """Return *value* as an element of the field that *tag* stands for."""
    return b"".join((tag, varint(len(value)), value))


def watch_event(event_type: int, revision: int, wire: bytes) -> bytes:
    """Return a WatchEvent about the resource in *wire*."""
    return b"".join(
        (_EVENT_TYPE, varint(event_type), _EVENT_REVISION, varint(revision), _EVENT_RESOURCE, varint(len(wire)), wire)
    )


def candidate(resource: bytes, model: bytes | None, score: Score, *, cost_nanos: int | None, invocable: bool) -> bytes:
    """Return an element of DiscoverResponse.candidates of a serialized resource and, unless None, its model."""
    pieces = [framed(_CANDIDATE_RESOURCE, resource)]
    if model is not None:
        pieces.append(framed(_CANDIDATE_MODEL, model))
    pieces.append(framed(_CANDIDATE_SCORE, _score(score)))
    if cost_nanos is not None:
        pieces += (_CANDIDATE_COST, varint(cost_nanos))
    if invocable:
        pieces.append(_CANDIDATE_INVOCABLE)
    return framed(_DISCOVER_CANDIDATES, b"".join(pieces))


def _score(score: Score) -> bytes:
    values: list[float] = [_TOTAL_TAG, score.total]
    for part in score.parts:
        # One call that packs all is several times as fast as one per part.
        values += (
            *(_PART_TAG, _PART_LENGTH, _KIND, part.kind or 0),
            *(_VALUE, part.value, _WEIGHT, part.weight, _CONTRIBUTION, part.contribution, _BASIS, part.basis or 0),
        )
    return _score_layout(len(score.parts)).pack(*values)


@cache
def _score_layout(parts: int) -> struct.Struct:
    return struct.Struct("<Bd" + "BBBBBdBdBdBB" * parts)
