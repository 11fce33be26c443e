"""What the endpoints of a model take over from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from airegistry.discovery.rows import values
from airegistry.discovery.rows.row import Mark, Marks, label_marks, limit_numbers, marks_of, stage_marks
from airegistry.discovery.rows.timing import next_lifecycle_change, stage_at
from airegistry.discovery.rows.values import Value
from airegistry.resources.model import Capability, LifecycleStage, Modality, Model, ModelLimits
from airegistry.resources.resource import Resource

_NO_LIMITS = ModelLimits()


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The part of a row that comes from the model. `until` is when to look again.

    There may be as many as endpoints: `marks` and `capabilities` are shared by models that are alike in them; `own` are the
    marks in which they mostly differ.
    """

    model: Model
    marks: Marks
    own: tuple[tuple[Mark, str], ...]
    capabilities: Marks
    limits: ModelLimits
    numbers: tuple[float, float, float]
    stage: LifecycleStage
    quality: Value
    until: datetime | None


def model_facts(resource: Resource | None, at: datetime) -> ModelFacts:
    """Return the facts of a model at a time; without one, everything is unknown."""
    model = (resource and resource.model) or Model()
    stage = stage_at(model.lifecycle, at)
    labels = resource.labels if resource else {}
    limits = model.limits or _NO_LIMITS
    return ModelFacts(
        model=model,
        marks=_shared(frozenset((*_marks(model), *stage_marks(stage)))),
        own=((Mark.FAMILY, model.family), (Mark.VERSION, model.version), *label_marks(labels)),
        capabilities=_shared(capability_marks(model, {})),
        limits=limits,
        numbers=limit_numbers(limits.context_tokens, limits.max_output_tokens, limits.max_input_tokens),
        stage=stage,
        quality=values.quality(model.benchmarks),
        until=next_lifecycle_change(model.lifecycle, at),
    )


def capability_marks(model: Model, own: Mapping[str, Capability]) -> Marks:
    """Return what can and what cannot be done by an endpoint that differs from its model in its own capabilities."""
    known = {name: _supported(capability) for name, capability in {**model.capabilities, **own}.items()}
    # Taking images is what `vision` means, whatever else is said of it.
    if Modality.IMAGE in model.input_modalities:
        known["vision"] = True
    elif model.input_modalities:
        known.setdefault("vision", False)
    return frozenset(
        (Mark.CAPABILITY if supported else Mark.LACKING, name)
        for name, supported in known.items()
        if supported is not None
    )


@lru_cache(maxsize=4096)
def _shared(marks: Marks) -> Marks:
    return marks


def _marks(model: Model) -> Iterator[tuple[Mark, str]]:
    yield from marks_of(Mark.TASK, model.tasks)
    yield from marks_of(Mark.INPUT, [modality.name for modality in model.input_modalities])
    yield from marks_of(Mark.OUTPUT, [modality.name for modality in model.output_modalities])


def _supported(capability: Capability) -> bool | None:
    return capability.level > 0 if capability.level is not None else capability.supported


UNKNOWN_MODEL = model_facts(None, datetime.min.replace(tzinfo=UTC))
"""What is known of a model that is not registered, at any time."""
