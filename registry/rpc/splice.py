"""Answers joined from bytes that exist already.

The one place that writes protobuf by hand. A resource keeps its serialized form (`Entry.wire`), so an answer that contains it
needs only a tag and a length before those bytes. Fields may come in any order, so the rest of an answer is an ordinary
message whose bytes stand in front.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from google.protobuf.message import Message

from airegistry.discovery.answers import Score, ScoreFigure
from airegistry.v1 import analytics_service_pb2, discovery_pb2, registry_service_pb2

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
WATCH_PERFORMANCES = _tag(analytics_service_pb2.WatchPerformanceResponse, "performances")

_EVENT_TYPE = _tag(registry_service_pb2.WatchEvent, "type", _VARINT)
_EVENT_REVISION = _tag(registry_service_pb2.WatchEvent, "revision", _VARINT)
_EVENT_RESOURCE = _tag(registry_service_pb2.WatchEvent, "resource")

_CANDIDATE_RESOURCE = _tag(discovery_pb2.Candidate, "resource")
_CANDIDATE_MODEL = _tag(discovery_pb2.Candidate, "model")
_CANDIDATE_SCORE = _tag(discovery_pb2.Candidate, "score")
_CANDIDATE_COST = _tag(discovery_pb2.Candidate, "cost_nanos", _VARINT)
_CANDIDATE_INVOCABLE = _tag(discovery_pb2.Candidate, "invocable", _VARINT) + b"\x01"

# The tags of Score, ScorePart and ScoreFigure. Kinds and bases are below 128 and a double has 8 bytes, so what is in every
# part has one length.
_TOTAL_TAG, _PART_TAG = 0x09, b"\x12"
_PART = struct.Struct("<BBBdBdBdBB")
_KIND, _VALUE, _WEIGHT, _CONTRIBUTION, _BASIS = 0x08, 0x11, 0x19, 0x21, 0x28
_FIGURE_KIND = b"\x08"
_FIGURE_TAG, _DECLARED, _MEASURED, _SAMPLES, _WINDOW, _LAST_TIME = b"\x32", 0x11, 0x19, b"\x20", b"\x2a", b"\x32"
_DOUBLE = struct.Struct("<Bd")
_SECONDS, _NANOS = b"\x08", b"\x10"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


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
    pieces = [_DOUBLE.pack(_TOTAL_TAG, score.total)]
    for part in score.parts:
        figures = b"".join(map(_figure, part.figures)) if part.figures else b""
        pieces += (
            _PART_TAG,
            varint(_PART.size + len(figures)),
            # One call that packs all is several times as fast as one per field.
            _PART.pack(
                *(_KIND, part.kind or 0, _VALUE, part.value, _WEIGHT, part.weight),
                *(_CONTRIBUTION, part.contribution, _BASIS, part.basis or 0),
            ),
            figures,
        )
    return b"".join(pieces)


def _figure(figure: ScoreFigure) -> bytes:
    pieces = [_FIGURE_KIND, varint(figure.kind or 0)]
    if figure.declared is not None:
        pieces.append(_DOUBLE.pack(_DECLARED, figure.declared))
    if figure.measured is not None:
        pieces.append(_DOUBLE.pack(_MEASURED, figure.measured))
    if figure.samples:
        pieces += (_SAMPLES, varint(figure.samples))
    if figure.window is not None:
        pieces.append(framed(_WINDOW, _time(round(figure.window * 1_000_000))))
    if figure.last_time is not None:
        pieces.append(framed(_LAST_TIME, _time((figure.last_time - _EPOCH) // _MICROSECOND)))
    return framed(_FIGURE_TAG, b"".join(pieces))


def _time(microseconds: int) -> bytes:
    """Return a Duration, or a Timestamp since 1970, of so many microseconds."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return b"".join((_SECONDS, varint(seconds), _NANOS, varint(rest * 1_000))) if rest else _SECONDS + varint(seconds)
