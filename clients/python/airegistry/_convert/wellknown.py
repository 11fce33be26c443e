"""The messages that have a Python type of their own: durations, times, structs and statuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from airegistry.errors import ErrorStatus

ERROR_DOMAIN = "airegistry.dev"
"""The domain of every ErrorInfo of ours."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT_FLOAT = 2**53
# The bounds of google.protobuf.Duration and Timestamp, in seconds.
_MAX_DURATION = 315_576_000_000
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_SECOND = 1_000_000_000


def duration_from_pb(message: duration_pb2.Duration) -> float:
    """Return the duration in seconds: the float nearest to it, so that what was written is read again.

    ValueError when it is out of range, or its parts have different signs.
    """
    seconds, nanos = message.seconds, message.nanos
    if abs(seconds) > _MAX_DURATION or abs(nanos) >= _SECOND or seconds * nanos < 0:
        raise ValueError("is not a duration: at most 10,000 years, with seconds and nanos of one sign")
    return (seconds * _SECOND + nanos) / 1e9


def duration_to_pb(seconds: float) -> duration_pb2.Duration:
    """Return *seconds* as a Duration, rounded to nanoseconds and cut to what a Duration can hold."""
    message = duration_pb2.Duration()
    _put_duration(seconds, message)
    return message


def timestamp_from_pb(message: timestamp_pb2.Timestamp) -> datetime:
    """Return the time in UTC; nanoseconds are cut to microseconds. ValueError when it is out of range."""
    seconds, nanos = message.seconds, message.nanos
    if not (_FIRST_SECOND <= seconds <= _LAST_SECOND and 0 <= nanos < _SECOND):
        raise ValueError("is not a time: it must be in the years 1 to 9999, with nanos from 0 to 999999999")
    return _EPOCH + timedelta(0, seconds, nanos // 1000)


def timestamp_to_pb(time: datetime) -> timestamp_pb2.Timestamp:
    """Return the time as a Timestamp."""
    message = timestamp_pb2.Timestamp()
    _put_timestamp(time, message)
    return message


def struct_from_pb(message: struct_pb2.Struct) -> dict[str, Any]:
    """Return the struct as a plain dict; whole numbers are int."""
    fields = message.fields
    return {key: _value_from_pb(fields[key]) for key in fields}


def struct_to_pb(value: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return a dict of JSON values as a Struct."""
    message = struct_pb2.Struct()
    _put_struct(value, message)
    return message


def status_from_pb(message: status_pb2.Status) -> ErrorStatus:
    """Return the status as a value, with the reason of its ErrorInfo."""
    info = error_details_pb2.ErrorInfo()
    found = any(detail.Unpack(info) for detail in message.details if detail.Is(info.DESCRIPTOR))
    number = code_pb2.Code.ValueType(message.code)
    code = code_pb2.Code.Name(number) if number in code_pb2.Code.values() else "UNKNOWN"
    return ErrorStatus(code=code, reason=info.reason if found else "", message=message.message)


def status_to_pb(value: ErrorStatus) -> status_pb2.Status:
    """Return a status value as a google.rpc.Status with one ErrorInfo."""
    message = status_pb2.Status()
    _put_status(value, message)
    return message


def _put_duration(seconds: float, message: Any) -> None:
    if not -_MAX_DURATION <= seconds <= _MAX_DURATION:
        seconds = max(-_MAX_DURATION, min(seconds, _MAX_DURATION))
    nanos = round(seconds * 1e9)
    if nanos < 0:
        whole, rest = divmod(-nanos, _SECOND)
        message.seconds, message.nanos = -whole, -rest
    else:
        message.seconds, message.nanos = divmod(nanos, _SECOND)


def _put_timestamp(time: datetime, message: Any) -> None:
    past = time - _EPOCH
    message.seconds = past.days * 86400 + past.seconds
    message.nanos = past.microseconds * 1000


def _put_struct(value: Mapping[str, Any], message: Any) -> None:
    message.update(value)


def _put_status(value: ErrorStatus, message: Any) -> None:
    message.code = code_pb2.Code.Value(value.code)
    message.message = value.message
    message.details.add().Pack(error_details_pb2.ErrorInfo(reason=value.reason, domain=ERROR_DOMAIN))


def _value_from_pb(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "struct_value":
            return struct_from_pb(value.struct_value)
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) <= _EXACT_FLOAT else number
        case "list_value":
            return [_value_from_pb(item) for item in value.list_value.values[:]]
        case "bool_value":
            return value.bool_value
    return None


READ: Mapping[str, Callable[[Any], Any]] = {
    "google.protobuf.Duration": duration_from_pb,
    "google.protobuf.Timestamp": timestamp_from_pb,
    "google.protobuf.Struct": struct_from_pb,
    "google.rpc.Status": status_from_pb,
}
WRITE: Mapping[str, Callable[[Any, Any], None]] = {
    "google.protobuf.Duration": _put_duration,
    "google.protobuf.Timestamp": _put_timestamp,
    "google.protobuf.Struct": _put_struct,
    "google.rpc.Status": _put_status,
}
