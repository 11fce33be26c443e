"""What an invocation would do: who would be asked, in which order, and who was left out."""

from __future__ import annotations

from dataclasses import dataclass

from airegistry.discovery.answers import Candidate, Exclusion
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.route import RoutePolicy


@dataclass(frozen=True, slots=True)
class ExplainedCandidate:
    """Somebody who would be asked."""

    candidate: Candidate | None = None
    tier: int = 0
    weight: int = 0
    breaker: str = ""
    warnings: tuple[FieldWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainResponse:
    """The response of Explain."""

    resolved: str = ""
    candidates: tuple[ExplainedCandidate, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    policy: RoutePolicy | None = None
    revision: int = 0
    stale: bool = False
