"""What a Discover answers: candidates, their scores, and who was excluded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from airegistry.resources.resource import Resource


class ScorePartKind(IntEnum):
    """A part of a score."""

    COST = 1
    LATENCY = 2
    RELIABILITY = 3
    QUALITY = 4
    LOAD = 5
    EXPLORATION = 6


class ScoreBasis(IntEnum):
    """What a part's value rests on."""

    MEASURED = 1
    DECLARED = 2
    PRIOR = 3
    MIXED = 4


class ScoreFigureKind(IntEnum):
    """What is declared or measured of a candidate."""

    TIME_TO_FIRST_TOKEN = 1
    TOKENS_PER_SECOND = 2
    DURATION = 3
    SUCCESS_SHARE = 4
    REQUESTS_PER_MINUTE = 5
    TOKENS_PER_MINUTE = 6
    RATE_LIMITED_SHARE = 7
    LOAD = 8


class ExclusionReason(IntEnum):
    """The filters in the order in which they are applied."""

    MODEL = 1
    TASK = 2
    CAPABILITY = 3
    MODALITY = 4
    SKILL = 5
    CONTEXT = 6
    PRICE = 7
    LATENCY = 8
    RELIABILITY = 9
    REGION = 10
    PROVIDER = 11
    DATA_POLICY = 12
    LABEL = 13
    VARIANT = 14
    LIFECYCLE = 15
    HEALTH = 16
    CREDENTIAL = 17
    FILTER = 18
    PERMISSION = 19
    DIALECT = 20
    BREAKER = 21
    WEIGHT = 22
    LIMIT = 23


@dataclass(frozen=True, slots=True)
class ScoreFigure:
    """What is declared and what was measured, side by side: `samples` in a window of so many seconds, the last at that time."""

    kind: ScoreFigureKind | None = None
    declared: float | None = None
    measured: float | None = None
    samples: int = 0
    window: float | None = None
    last_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScorePart:
    """What one part gave to a score, and what is declared and measured that its value rests on."""

    kind: ScorePartKind | None = None
    value: float = 0.0
    weight: float = 0.0
    contribution: float = 0.0
    basis: ScoreBasis | None = None
    figures: tuple[ScoreFigure, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """A score with its own explanation: `total` is the sum of the parts' contributions, so it can never disagree with the order."""

    total: float = 0.0
    parts: tuple[ScorePart, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the ranked answers of a Discover."""

    resource: Resource | None = None
    model: Resource | None = None
    score: Score | None = None
    cost_nanos: int | None = None
    invocable: bool = False

    @property
    def name(self) -> str:
        """The full name of the endpoint or agent."""
        return self.resource.name if self.resource is not None else ""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """How many resources a filter cut."""

    reason: ExclusionReason | None = None
    count: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate by name, as the index answers it; who asked has the resources. `model` is empty for agents."""

    name: str
    model: str
    score: Score
    cost_nanos: int | None
    invocable: bool


@dataclass(frozen=True, slots=True)
class Discovery:
    """The answer of an index: the best candidates, how many passed, and how many each filter cut."""

    candidates: tuple[Ranked, ...]
    matched_count: int
    exclusions: tuple[Exclusion, ...]
    revision: int
    observation_epoch: int
