"""What a Discover looks for, and what "best" means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from airegistry.resources.model import LifecycleStage, Modality


class DiscoverTarget(IntEnum):
    """What a Discover looks for."""

    ENDPOINT = 1
    AGENT = 2


class CredentialRequirement(IntEnum):
    """Whether a candidate must be callable."""

    INVOCABLE = 1
    ANY = 2


class HealthRequirement(IntEnum):
    """Which states of health are accepted."""

    USABLE = 1
    SERVING = 2
    ANY = 3


class Preference(IntEnum):
    """A named meaning of "best"."""

    BALANCED = 1
    CHEAPEST = 2
    FASTEST = 3
    MOST_RELIABLE = 4
    BEST_QUALITY = 5


@dataclass(frozen=True, slots=True)
class TokenMix:
    """An amount of tokens of each kind."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Requirements:
    """Hard filters."""

    task: str = ""
    all_capabilities: tuple[str, ...] = ()
    any_capabilities: tuple[str, ...] = ()
    input_modalities: tuple[Modality, ...] = ()
    output_modalities: tuple[Modality, ...] = ()
    min_context_tokens: int | None = None
    min_output_tokens: int | None = None
    min_input_tokens: int | None = None
    max_cost_nanos: int | None = None
    max_price_per_million_nanos: int | None = None
    usage: TokenMix | None = None
    max_time_to_first_token: float | None = None
    max_duration: float | None = None
    min_tokens_per_second: float | None = None
    min_reliability: float | None = None
    regions: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    excluded_providers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    no_training: bool | None = None
    max_retention: float | None = None
    lifecycle_stages: tuple[LifecycleStage, ...] = ()
    health: HealthRequirement | None = None
    credential: CredentialRequirement | None = None
    quantizations: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    version: str = ""
    skills: tuple[str, ...] = ()
    filter: str = ""
    allow_unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """How much each part of a score counts."""

    cost: float = 0.0
    latency: float = 0.0
    reliability: float = 0.0
    quality: float = 0.0
    load: float = 0.0


@dataclass(frozen=True, slots=True)
class DiscoverQuery:
    """What is looked for, and what "best" means."""

    target: DiscoverTarget | None = None
    requirements: Requirements | None = None
    preference: Preference | None = None
    weights: ScoreWeights | None = None
