"""Observations and what is measured of them, as tests need them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airegistry.invocations.invocation import AttemptOutcome
from airegistry.observations.observation import Observation
from airegistry.observations.performance import Performance, WindowStats

HERE = "models/m/endpoints/a"
REPORTER = "reporter-1234"


def seen(target: str = HERE, **facts: Any) -> Observation:
    """Return an attempt that was answered just now."""
    known: dict[str, Any] = {"time": datetime.now(UTC), "outcome": AttemptOutcome.OK, **facts}
    return Observation(target, **known)


def measured(name: str = HERE, attempts: int = 1, *, epoch: int = 1) -> Performance:
    return Performance(name, (WindowStats(60.0, attempts),), datetime.now(UTC), epoch)
