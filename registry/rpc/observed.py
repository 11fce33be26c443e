"""Reports read straight into columns.

The one place outside `_convert` where protobuf fields are read: an observation takes a few microseconds here, and ten times
that as a dataclass. The rules are those of `observation.proto`, and each error names the field by its path.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np

from airegistry.errors import InvalidArgumentError
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.invocations.usage import CostState
from airegistry.observations.observation import MAX_COST_NANOS, MAX_TOKENS
from airegistry.resources.names import parse_name
from airegistry.resources.route import ErrorClass
from airegistry.v1 import analytics_service_pb2 as pb
from registry.observations.codes import MAX_ERROR_CLASS
from registry.observations.tally import UNKNOWN, Columns
from registry.observations.targets import MEASURED

T = TypeVar("T")

_NANOS = 1_000_000_000
_LAST_SECOND = 253_402_300_799
_MAX_DURATION = 315_576_000_000
_OUTCOMES = frozenset(map(int, AttemptOutcome))
_CLASSES = frozenset(map(int, ErrorClass)) | {0}
_KNOWN = int(CostState.KNOWN)
_COST_STATES = frozenset(map(int, CostState)) | {0}
_TOKENS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
    "input_image_tokens",
    "output_image_tokens",
)
_counts_of = attrgetter(*_TOKENS)


def read_columns(request: pb.ReportUsageRequest, received: int) -> tuple[Sequence[str], Columns]:
    """Return the names that are reported of, and the observations; *received* is the time of those that say none.

    Targets are places in the names. Raises InvalidArgumentError for the first value that means nothing.
    """
    names: dict[str, int] = {}
    rows = []
    for index, one in enumerate(request.observations):
        try:
            rows.append(_row(one, names, received))
        except _UnreadableError as error:
            raise InvalidArgumentError.of(f"observations[{index}].{error.field}", error.problem) from None
    target, time, outcome, error_class, duration, first, tokens, output, cost = zip(*rows, strict=True)
    return tuple(names), Columns(
        target=np.array(target, np.int64),
        time=np.array(time, np.int64),
        outcome=np.array(outcome, np.int64),
        error_class=np.array(error_class, np.int64),
        duration=np.array(duration, np.float64),
        first_token=np.array(first, np.float64),
        tokens=np.array(tokens, np.int64),
        output_tokens=np.array(output, np.int64),
        cost=np.array(cost, np.int64),
    )


class _UnreadableError(Exception):
    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem


def _row(one: Any, names: dict[str, int], received: int) -> tuple[Any, ...]:
    place = names.get(one.target)
    if place is None:
        place = names[one.target] = _new_name(one.target, len(names))
    outcome, error_class = one.outcome, one.error_class
    if outcome not in _OUTCOMES:
        raise _UnreadableError("outcome", _no_member(outcome, AttemptOutcome))
    if error_class not in _CLASSES:
        raise _UnreadableError("error_class", _no_member(error_class, ErrorClass))
    time = _time(one.time) if one.HasField("time") else received
    duration = _seconds(one.duration, "duration") if one.HasField("duration") else math.nan
    first = (
        _seconds(one.time_to_first_token, "time_to_first_token") if one.HasField("time_to_first_token") else math.nan
    )
    tokens, output = _tokens(one.usage) if one.HasField("usage") else (UNKNOWN, UNKNOWN)
    cost = _cost(one.cost) if one.HasField("cost") else UNKNOWN
    return place, time, outcome, error_class, duration, first, tokens, output, cost


def _new_name(name: str, place: int) -> int:
    if not name:
        raise _UnreadableError("target", "is required")
    try:
        kind = parse_name(name).kind
    except InvalidArgumentError as error:
        raise _UnreadableError("target", error.violations[0].description) from None
    if kind not in MEASURED:
        raise _UnreadableError("target", f"is {name}; it must be an endpoint or an agent")
    return place


def _time(time: Any) -> int:
    """Return microseconds since 1970. What is not measured today is refused later, and counted."""
    if not (-_LAST_SECOND <= time.seconds <= _LAST_SECOND and 0 <= time.nanos < _NANOS):
        raise _UnreadableError(
            "time", "is not a time: it must be in the years 1 to 9999, with nanos from 0 to 999999999"
        )
    return int(time.seconds * 1_000_000 + time.nanos // 1_000)


def _seconds(duration: Any, field: str) -> float:
    seconds, nanos = duration.seconds, duration.nanos
    if seconds < 0 or nanos < 0:
        raise _UnreadableError(field, "must not be negative")
    if seconds > _MAX_DURATION or nanos >= _NANOS:
        raise _UnreadableError(field, "is not a duration: at most 10,000 years, with nanos from 0 to 999999999")
    return float(seconds + nanos / _NANOS)


def _tokens(usage: Any) -> tuple[int, int]:
    """Return all tokens together, and those of the output; UNKNOWN for what nobody counted."""
    counts = _counts_of(usage)
    if min(counts) < 0 or max(counts) > MAX_TOKENS:
        name, count = next(each for each in zip(_TOKENS, counts, strict=True) if not 0 <= each[1] <= MAX_TOKENS)
        raise _UnreadableError(f"usage.{name}", f"is {count}; it must be from 0 to {MAX_TOKENS}")
    total = sum(counts)
    if not total and not any(usage.HasField(name) for name in _TOKENS):
        return UNKNOWN, UNKNOWN
    return total, usage.output_tokens if usage.HasField("output_tokens") else UNKNOWN


def _cost(cost: Any) -> int:
    """Return the cost where all of it is known, in nano-USD."""
    if cost.state not in _COST_STATES:
        raise _UnreadableError("cost.state", _no_member(cost.state, CostState))
    if not 0 <= cost.nanos <= MAX_COST_NANOS:
        raise _UnreadableError("cost.nanos", f"is {cost.nanos}; it must be from 0 to {MAX_COST_NANOS}")
    return int(cost.nanos) if cost.state == _KNOWN and cost.HasField("nanos") else UNKNOWN


def _no_member(number: int, enum: Any) -> str:
    allowed = ", ".join(member.name for member in enum)
    return f"is required: one of {allowed}" if number == 0 else f"{number} is not one of {allowed}"


assert max(_CLASSES) <= MAX_ERROR_CLASS  # noqa: S101 - each class has its own counter
