"""What a file in the form of models.dev says of a model besides its prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from airegistry.importers.identifiers import Original
from airegistry.importers.inferring import capabilities_of, tasks_of
from airegistry.importers.report import Note
from airegistry.resources.model import Capability, Lifecycle, LifecycleStage, Modality, Model, ModelLimits
from airegistry.resources.prices import PriceBucket
from airegistry.resources.provenance import FactSource, Provenance

_MAX_DESCRIPTION = 4096

_TASKS: Mapping[str, str] = {
    "chat": "text-generation",
    "decision": "text-classification",
    "embedding": "feature-extraction",
    "image": "text-to-image",
    "realtime": "any-to-any",
    "reranking": "text-ranking",
    "speech": "text-to-speech",
    "transcription": "automatic-speech-recognition",
    "video": "text-to-video",
}
_MODALITIES: Mapping[str, Modality] = {
    "application": Modality.FILE,
    "audio": Modality.AUDIO,
    "embedding": Modality.EMBEDDING,
    "image": Modality.IMAGE,
    "pdf": Modality.FILE,
    "text": Modality.TEXT,
    "video": Modality.VIDEO,
}
_CAPABILITIES: Mapping[str, str] = {
    "attachment": "attachments",
    "reasoning": "reasoning",
    "structured_output": "structured_output",
    "temperature": "sampling_parameters",
    "tool_call": "tools",
    "tools": "tools",
}
_STAGES: Mapping[str, LifecycleStage] = {
    "alpha": LifecycleStage.PREVIEW,
    "beta": LifecycleStage.PREVIEW,
    "deprecated": LifecycleStage.DEPRECATED,
}
_LIMITS: Mapping[str, str] = {"context": "context_tokens", "input": "max_input_tokens", "output": "max_output_tokens"}
_TAKEN = frozenset(
    {
        *_CAPABILITIES,
        "capabilities",
        "cost",
        "deprecation_date",
        "description",
        "experimental",
        "family",
        "id",
        "knowledge",
        "limit",
        "modalities",
        "name",
        "provider",
        "status",
        "type",
    }
)


def model_of(
    original: Original,
    fields: Mapping[str, Any],
    buckets: Iterable[PriceBucket],
    provenance: Provenance,
    notes: list[Note],
) -> Model:
    """Return the model that an entry describes."""
    notes += (Note(str(original), f"no place for {name}") for name in fields if name not in _TAKEN)
    takes, gives = _modalities(original, fields, "input", notes), _modalities(original, fields, "output", notes)
    tasks, said = tasks_in(original, fields, buckets)
    stated = _capabilities(fields)
    concluded = [name for name in capabilities_of(original.id, tasks, ()) if name not in stated]
    inferred = [*([] if said or not tasks else ["tasks"]), *(f"capabilities.{name}" for name in concluded)]
    return Model(
        display_name=_text(fields, "name"),
        description=_text(fields, "description")[:_MAX_DESCRIPTION],
        publisher=original.provider,
        family=_text(fields, "family"),
        original_ids=(original.id,),
        tasks=tasks,
        input_modalities=takes,
        output_modalities=gives,
        capabilities={**stated, **{name: Capability(supported=True) for name in concluded}},
        limits=_limits(original, fields, notes),
        lifecycle=_lifecycle(original, fields, notes),
        knowledge_time=_time(original, fields, "knowledge", notes),
        provenance=provenance,
        fact_sources=(FactSource(tuple(sorted(inferred)), inferred=True),) if inferred else (),
    )


def tasks_in(
    original: Original, fields: Mapping[str, Any], buckets: Iterable[PriceBucket]
) -> tuple[tuple[str, ...], bool]:
    """Return what a model is for, and whether the file says so; an older file does not."""
    said = _TASKS.get(_text(fields, "type"), "")
    text = (PriceBucket.OUTPUT_TOKENS,) if "text" in _listed(fields, "output") else ()
    tasks = (said,) if said else tasks_of(original.id, (*buckets, *text))
    sees = "image" in _listed(fields, "input")
    return ((*tasks, "image-text-to-text") if sees and tasks == ("text-generation",) else tasks), bool(said)


def _modalities(original: Original, fields: Mapping[str, Any], side: str, notes: list[Note]) -> tuple[Modality, ...]:
    found: set[Modality] = set()
    for word in _listed(fields, side):
        # A media type is of the kind before its slash.
        modality = _MODALITIES.get(word.partition("/")[0])
        if modality is None:
            notes.append(Note(str(original), f"no place for the modality {word}"))
        else:
            found.add(modality)
    return tuple(sorted(found))


def _listed(fields: Mapping[str, Any], side: str) -> list[str]:
    modalities = fields.get("modalities")
    words = modalities.get(side) if isinstance(modalities, Mapping) else None
    return [word for word in words if isinstance(word, str)] if isinstance(words, list) else []


def _capabilities(fields: Mapping[str, Any]) -> dict[str, Capability]:
    """Return what the file says of abilities, on the model itself or below `capabilities`."""
    nested = fields.get("capabilities")
    told = {**fields, **(nested if isinstance(nested, Mapping) else {})}
    found = {}
    for theirs, ours in _CAPABILITIES.items():
        value = told.get(theirs)
        supported = value.get("supported") if isinstance(value, Mapping) else value
        if isinstance(supported, bool):
            found[ours] = Capability(supported=supported)
    return found


def _limits(original: Original, fields: Mapping[str, Any], notes: list[Note]) -> ModelLimits | None:
    told = fields.get("limit")
    found = {}
    for theirs, ours in _LIMITS.items():
        value = told.get(theirs) if isinstance(told, Mapping) else None
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31:
            found[ours] = value
        elif value is not None:
            notes.append(Note(str(original), f"limit.{theirs} is no count", str(value)[:64]))
    return ModelLimits(**found) if found else None


def _lifecycle(original: Original, fields: Mapping[str, Any], notes: list[Note]) -> Lifecycle | None:
    status = _text(fields, "status")
    stage = _STAGES.get(status)
    if status and stage is None:
        notes.append(Note(str(original), "status is unknown", status[:64]))
    lifecycle = Lifecycle(stage, deprecate_time=_time(original, fields, "deprecation_date", notes))
    return lifecycle if lifecycle != Lifecycle() else None


def _time(original: Original, fields: Mapping[str, Any], name: str, notes: list[Note]) -> datetime | None:
    """Return a day; of a month that is told without one, the first."""
    told = _text(fields, name)
    if not told:
        return None
    try:
        day = date.fromisoformat(told if told.count("-") > 1 else f"{told}-01")
    except ValueError:
        notes.append(Note(str(original), f"{name} is no date", told[:64]))
        return None
    return datetime.combine(day, time(), UTC)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""
