"""What an invocation would do: who would be asked, in which order, and who was left out."""

from __future__ import annotations

from dataclasses import dataclass

from airegistry.discovery.answers import Candidate, Exclusion
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.route import RouteFallback, RoutePolicy, SplitArm


@dataclass(frozen=True, slots=True)
class LearnedBelief:
    """What was learned of a candidate for calls of a kind."""

    mean: float = 0.0
    count: float = 0.0
    propensity: float = 0.0
    task_class: str = ""


@dataclass(frozen=True, slots=True)
class ExplainedCandidate:
    """Somebody who would be asked."""

    candidate: Candidate | None = None
    tier: int = 0
    weight: int = 0
    breaker: str = ""
    warnings: tuple[FieldWarning, ...] = ()
    continues: bool = False
    in_flight: int = 0
    time_to_first_token: float | None = None
    share: float = 0.0
    learned: LearnedBelief | None = None


@dataclass(frozen=True, slots=True)
class Hindrance:
    """What keeps calls away from an endpoint, or from all endpoints of a provider or with a credential."""

    name: str = ""
    state: str = ""
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class ExplainResponse:
    """The response of Explain."""

    resolved: str = ""
    candidates: tuple[ExplainedCandidate, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    policy: RoutePolicy | None = None
    revision: int = 0
    stale: bool = False
    split_arm: str = ""
    arms: tuple[SplitArm, ...] = ()
    hedged: bool = False
    hindrances: tuple[Hindrance, ...] = ()
    fallbacks: tuple[RouteFallback, ...] = ()
    warnings: tuple[FieldWarning, ...] = ()
    observation_epoch: int = 0
