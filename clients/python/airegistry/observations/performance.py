"""What was measured of an endpoint or an agent, by all who report, over windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airegistry.resources.route import ErrorClass

WINDOWS = (60.0, 300.0, 1_800.0, 86_400.0)
"""How long the windows are, in seconds."""


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """How many attempts failed in one way; None is that nobody said which."""

    error_class: ErrorClass | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Quantiles:
    """A distribution of `count` values; without any, the rest means nothing."""

    count: int = 0
    p50: float = 0.0
    p90: float = 0.0
    p99: float = 0.0


@dataclass(frozen=True, slots=True)
class WindowStats:
    """One window of `window` seconds. `attempts` are those that ended by themselves, `errors` those among them that failed."""

    window: float | None = None
    attempts: int = 0
    errors: tuple[ErrorCount, ...] = ()
    canceled: int = 0
    time_to_first_token: Quantiles | None = None
    duration: Quantiles | None = None
    tokens_per_second: Quantiles | None = None
    cost_nanos: int | None = None
    costed: int = 0
    tokens: int = 0
    last_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Performance:
    """What was measured until `time`: the windows in which anything was, the shortest first.

    `load` (0 to 1) is how busy its holder said it is, at `load_time`; None when nobody said lately.
    """

    name: str = ""
    windows: tuple[WindowStats, ...] = ()
    time: datetime | None = None
    observation_epoch: int = 0
    load: float | None = None
    load_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class WatchPerformanceResponse:
    """What changed; everything up to `observation_epoch` was told, where that is set. A `snapshot` begins anew."""

    performances: tuple[Performance, ...] = ()
    observation_epoch: int | None = None
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class GetPerformanceResponse:
    """What was measured, in the order of the names asked for."""

    performances: tuple[Performance, ...] = ()
    observation_epoch: int = 0
