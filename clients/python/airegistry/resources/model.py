"""Facts about one version of a model, whoever serves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from airegistry.resources.provenance import FactSource, Provenance


class Modality(IntEnum):
    """A kind of content."""

    TEXT = 1
    IMAGE = 2
    AUDIO = 3
    VIDEO = 4
    FILE = 5
    EMBEDDING = 6


class LifecycleStage(IntEnum):
    """A stage of a model's life."""

    PREVIEW = 1
    ACTIVE = 2
    DEPRECATED = 3
    RETIRED = 4


@dataclass(frozen=True, slots=True)
class Capability:
    """Whether, or how well, a model can do something."""

    supported: bool | None = None
    level: int | None = None


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """What a model, or an endpoint that serves it, accepts at most."""

    context_tokens: int | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    max_images: int | None = None
    max_embedding_inputs: int | None = None
    embedding_dimensions: int | None = None
    max_stop_sequences: int | None = None


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Where a model is in its life."""

    stage: LifecycleStage | None = None
    deprecate_time: datetime | None = None
    retire_time: datetime | None = None
    replacement: str = ""
    redirect: bool | None = None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A score in a public or private benchmark."""

    name: str = ""
    score: float = 0.0
    max_score: float | None = None
    provenance: Provenance | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """Facts about one version of a model, whoever serves it."""

    display_name: str = ""
    description: str = ""
    publisher: str = ""
    family: str = ""
    version: str = ""
    original_ids: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    input_modalities: tuple[Modality, ...] = ()
    output_modalities: tuple[Modality, ...] = ()
    capabilities: Mapping[str, Capability] = field(default_factory=dict)
    limits: ModelLimits | None = None
    lifecycle: Lifecycle | None = None
    benchmarks: tuple[Benchmark, ...] = ()
    parameter_count: int | None = None
    license: str = ""
    knowledge_time: datetime | None = None
    provenance: Provenance | None = None
    fact_sources: tuple[FactSource, ...] = ()
