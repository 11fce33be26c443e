"""A stable name that clients invoke, and who answers for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from airegistry.resources.requirements import DiscoverQuery


class LossPolicy(IntEnum):
    """What to do with request fields that a target cannot express."""

    WARN = 1
    REFUSE = 2


class PickStrategy(IntEnum):
    """How one of the candidates is picked for a call."""

    BEST = 1
    WEIGHTED_RANDOM = 2
    POWER_OF_TWO = 3


class Selection(IntEnum):
    """Whether the order of the candidates may be learned."""

    STATIC = 1
    LEARNED = 2


class ErrorClass(IntEnum):
    """What went wrong with an attempt, as far as routing is concerned."""

    INVALID_REQUEST = 1
    CONTEXT_LENGTH = 2
    CONTENT_FILTER = 3
    CREDENTIAL = 4
    RATE_LIMITED = 5
    OVERLOADED = 6
    PROVIDER = 7
    CONNECTION = 8
    TIMEOUT = 9
    MALFORMED_ANSWER = 10
    MODEL_NOT_FOUND = 11
    TASK_DECLINED = 12


@dataclass(frozen=True, slots=True)
class RequestOverrides:
    """What a route changes in a request."""

    max_output_tokens: int | None = None
    temperature: float | None = None
    reasoning_effort: str = ""


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """Somebody who may answer."""

    model: str | None = None
    endpoint: str | None = None
    query: DiscoverQuery | None = None
    agent: str | None = None
    weight: int | None = None
    overrides: RequestOverrides | None = None


@dataclass(frozen=True, slots=True)
class RouteTier:
    """Targets that stand in for each other."""

    targets: tuple[RouteTarget, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """How calls are attempted."""

    max_attempts: int | None = None
    connect_timeout: float | None = None
    first_token_timeout: float | None = None
    idle_timeout: float | None = None
    total_timeout: float | None = None
    hold_back_tokens: int | None = None
    hold_back_duration: float | None = None
    reroute_refusals: bool | None = None
    hedge_delay: float | None = None
    pick: PickStrategy | None = None
    loss: LossPolicy | None = None
    selection: Selection | None = None


@dataclass(frozen=True, slots=True)
class RouteFallback:
    """Where a call goes after an error of a class."""

    error_classes: tuple[ErrorClass, ...] = ()
    target: str = ""


@dataclass(frozen=True, slots=True)
class SplitArm:
    """One arm of a split."""

    name: str = ""
    share_ppm: int = 0
    target: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """A share of a route's calls that goes elsewhere."""

    arms: tuple[SplitArm, ...] = ()
    sticky_by: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """A stable name that clients invoke, and who answers for it."""

    description: str = ""
    aliases: tuple[str, ...] = ()
    tiers: tuple[RouteTier, ...] = ()
    policy: RoutePolicy | None = None
    fallbacks: tuple[RouteFallback, ...] = ()
    split: Split | None = None
