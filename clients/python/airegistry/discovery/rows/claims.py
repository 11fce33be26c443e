"""What is said of a candidate that measurements are held against."""

from __future__ import annotations

from typing import NamedTuple

from airegistry.resources.endpoint import DeclaredPerformance, RateLimits
from airegistry.resources.resource import AgentState, Health, ResourceStatus

_NO_PERFORMANCE = DeclaredPerformance()
_NO_LIMITS = RateLimits()


class Claims(NamedTuple):
    """What an endpoint or an agent says of itself, and whether it is known to be degraded."""

    performance: DeclaredPerformance = _NO_PERFORMANCE
    limits: RateLimits = _NO_LIMITS
    state: AgentState | None = None
    degraded: bool = False


NO_CLAIMS = Claims()


def claims_of(
    status: ResourceStatus | None,
    performance: DeclaredPerformance | None = None,
    limits: RateLimits | None = None,
    state: AgentState | None = None,
) -> Claims:
    """Return the claims; of the many who say nothing it is the same object."""
    degraded = status is not None and status.health is Health.DEGRADED
    if performance is None and limits is None and state is None and not degraded:
        return NO_CLAIMS
    return Claims(performance or _NO_PERFORMANCE, limits or _NO_LIMITS, state, degraded)
