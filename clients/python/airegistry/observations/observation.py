"""What was measured of one attempt to call an endpoint or an agent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from airegistry.invocations.invocation import AttemptOutcome
from airegistry.invocations.usage import Cost, Usage
from airegistry.resources.route import ErrorClass

MAX_TOKENS = 10**9
"""The most tokens of one kind that one attempt can have used."""

MAX_COST_NANOS = 10**15
"""The most that one attempt can have cost: a million dollars."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One attempt. `duration` and `time_to_first_token` are in seconds; None is not measured."""

    target: str = ""
    time: datetime | None = None
    outcome: AttemptOutcome | None = None
    error_class: ErrorClass | None = None
    duration: float | None = None
    time_to_first_token: float | None = None
    usage: Usage | None = None
    cost: Cost | None = None


class RejectionReason(IntEnum):
    """Why an observation was not counted."""

    UNKNOWN_TARGET = 1
    FROM_THE_FUTURE = 2
    TOO_OLD = 3
    BEFORE_TARGET = 4


@dataclass(frozen=True, slots=True)
class RejectedObservations:
    """Observations of one batch that were not counted."""

    reason: RejectionReason | None = None
    count: int = 0
    first_index: int = 0


@dataclass(frozen=True, slots=True)
class ReportUsageResponse:
    """What became of one batch of observations."""

    counted: int = 0
    replayed: bool = False
    rejected: tuple[RejectedObservations, ...] = ()
    observation_epoch: int = 0
