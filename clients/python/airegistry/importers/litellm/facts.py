"""What LiteLLM's map says of a model besides its prices, and what of it has no place here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from airegistry.importers.inferring import capabilities_of, inputs_of, outputs_of
from airegistry.importers.litellm.entries import Entry
from airegistry.importers.litellm.fields import about_money
from airegistry.importers.report import Note
from airegistry.resources.endpoint import RateLimits
from airegistry.resources.model import Capability, Lifecycle, Modality, Model, ModelLimits
from airegistry.resources.provenance import FactSource, Provenance

_TASKS: Mapping[str, tuple[str, ...]] = {
    "audio_speech": ("text-to-speech",),
    "audio_transcription": ("automatic-speech-recognition",),
    "chat": ("text-generation",),
    "completion": ("text-generation",),
    "decisions": ("text-classification",),
    "embedding": ("feature-extraction",),
    "evaluation": ("text-classification",),
    "image_edit": ("image-to-image",),
    "image_generation": ("text-to-image",),
    "moderation": ("text-classification",),
    "ocr": ("image-to-text",),
    "realtime": ("any-to-any",),
    "rerank": ("text-ranking",),
    "responses": ("text-generation",),
    "video_generation": ("text-to-video",),
}
_EDITS = "/v1/images/edits"

# What we call it, where that is not the name after `supports_`.
_CAPABILITIES: Mapping[str, str] = {
    "function_calling": "tools",
    "native_streaming": "streaming",
    "parallel_function_calling": "parallel_tools",
    "response_schema": "structured_output",
    "sampling_params": "sampling_parameters",
    "system_messages": "system_prompt",
}
_MODALITIES: Mapping[str, Modality] = {
    "audio": Modality.AUDIO,
    "image": Modality.IMAGE,
    "text": Modality.TEXT,
    "video": Modality.VIDEO,
}
_INPUT_FLAGS: Mapping[str, Modality] = {
    "supports_audio_input": Modality.AUDIO,
    "supports_embedding_image_input": Modality.IMAGE,
    "supports_image_input": Modality.IMAGE,
    "supports_pdf_input": Modality.FILE,
    "supports_video_input": Modality.VIDEO,
    "supports_vision": Modality.IMAGE,
}
_OUTPUT_FLAGS: Mapping[str, Modality] = {"supports_audio_output": Modality.AUDIO}
_SUPPORTS = "supports_"

_TAKEN = frozenset(
    {
        "deprecation_date",
        "litellm_provider",
        "max_input_tokens",
        "max_output_tokens",
        "max_tokens",
        "mode",
        "output_vector_size",
        "rpm",
        "source",
        "successor_model",
        "supported_endpoints",
        "supported_modalities",
        "supported_output_modalities",
        "supported_regions",
        "tpm",
    }
)
# Where entries of one model differ in these, the endpoint cannot say so.
_OF_MODEL = frozenset(
    {
        "deprecation_date",
        "mode",
        "output_vector_size",
        "successor_model",
        "supported_modalities",
        "supported_output_modalities",
    }
)


@dataclass(frozen=True, slots=True)
class _Modalities:
    """What a model takes or gives, and whether the map says so or it was concluded."""

    found: tuple[Modality, ...]
    inferred: bool


def model_of(entry: Entry, provenance: Provenance, notes: list[Note], *, replacement: str = "") -> Model:
    """Return the model that an entry describes. *replacement* is the name of what comes after it."""
    tasks = _tasks(entry)
    if not tasks:
        notes.append(Note(entry.key, f"mode has no task: {entry.mode or 'none'}"))
    takes, gives = _inputs(entry, tasks), _outputs(entry, tasks)
    stated = capabilities_in(entry)
    concluded = [name for name in capabilities_of(entry.original.id, tasks, ()) if name not in stated]
    limits = limits_of(entry, notes)
    inferred = [
        *(["input_modalities"] if takes.inferred and takes.found else ()),
        *(["output_modalities"] if gives.inferred and gives.found else ()),
        *(["limits.context_tokens"] if limits is not None and limits.context_tokens is not None else ()),
        *(f"capabilities.{name}" for name in concluded),
    ]
    return Model(
        publisher=entry.original.provider,
        original_ids=(entry.original.id,),
        tasks=tasks,
        input_modalities=takes.found,
        output_modalities=gives.found,
        capabilities={**stated, **{name: Capability(supported=True) for name in concluded}},
        limits=limits,
        lifecycle=_lifecycle(entry, replacement, notes),
        provenance=provenance,
        fact_sources=(FactSource(tuple(sorted(inferred)), inferred=True),) if inferred else (),
    )


def _tasks(entry: Entry) -> tuple[str, ...]:
    """Return what a model is for; a picture may be made from words, and from another one."""
    tasks = _TASKS.get(entry.mode, ())
    if entry.mode == "image_generation" and _EDITS in _texts(entry, "supported_endpoints"):
        return (*tasks, "image-to-image")
    # A chat model that sees is found by either tag.
    sees = entry.fields.get("supports_vision") is True or "image" in _texts(entry, "supported_modalities")
    return (*tasks, "image-text-to-text") if sees and tasks == ("text-generation",) else tasks


def capabilities_in(entry: Entry) -> dict[str, Capability]:
    """Return what the map says that a model can and cannot do."""
    found = {
        _CAPABILITIES.get(name, name): Capability(supported=value)
        for name, value in sorted(_supported(entry))
        if f"{_SUPPORTS}{name}" not in _INPUT_FLAGS.keys() - {"supports_vision"} | _OUTPUT_FLAGS.keys()
    }
    if "code" in _texts(entry, "supported_output_modalities"):
        found["code"] = Capability(supported=True)
    if entry.mode == "moderation":
        found["moderation"] = Capability(supported=True)
    return found


def limits_of(entry: Entry, notes: list[Note]) -> ModelLimits | None:
    """Return what a model accepts. The map knows no context but the input: what can be put in, it holds at least."""
    limits = ModelLimits(
        context_tokens=_count(entry, "max_input_tokens", []),
        max_input_tokens=_count(entry, "max_input_tokens", notes),
        max_output_tokens=_count(entry, "max_output_tokens", notes),
        embedding_dimensions=_count(entry, "output_vector_size", notes),
    )
    return limits if limits != ModelLimits() else None


def rate_limits_of(entry: Entry, notes: list[Note]) -> RateLimits | None:
    """Return how much may be asked in a minute."""
    limits = RateLimits(_count(entry, "rpm", notes), _count(entry, "tpm", notes))
    return limits if limits != RateLimits() else None


def region_of(entry: Entry, notes: list[Note]) -> str:
    """Return where a model runs: what its key says, else the only region that the map names."""
    regions = _texts(entry, "supported_regions")
    if not entry.region and len(regions) > 1:
        notes.append(Note(entry.key, "runs in several regions: none taken", ", ".join(regions)))
    return entry.region or (regions[0] if len(regions) == 1 else "")


def left_out(entry: Entry, first: Entry) -> Iterator[Note]:
    """Yield what has no place here; *first* is the entry of the same model that the model's facts are taken from."""
    for name, value in entry.fields.items():
        if name in _OF_MODEL and value != first.fields.get(name):
            yield Note(entry.key, f"an endpoint has no {name} of its own: left out", str(value)[:64])
        elif name.startswith(_SUPPORTS) and not isinstance(value, bool):
            yield Note(entry.key, f"{name} is neither true nor false", str(value)[:64])
        elif not (name in _TAKEN or name.startswith(_SUPPORTS) or about_money(name)):
            yield Note(entry.key, f"no place for {name}")


def _inputs(entry: Entry, tasks: tuple[str, ...]) -> _Modalities:
    listed = [_MODALITIES[name] for name in _texts(entry, "supported_modalities") if name in _MODALITIES]
    flagged = [modality for flag, modality in _INPUT_FLAGS.items() if entry.fields.get(flag) is True]
    told = bool(listed) or any(isinstance(entry.fields.get(flag), bool) for flag in _INPUT_FLAGS)
    # The tasks know that it reads text; what an id hints at counts for nothing beside what is said.
    base = listed or inputs_of("" if told else entry.original.id, tasks, ())
    return _Modalities(tuple(sorted({*base, *flagged})), not told)


def _outputs(entry: Entry, tasks: tuple[str, ...]) -> _Modalities:
    listed = [_MODALITIES[name] for name in _texts(entry, "supported_output_modalities") if name in _MODALITIES]
    flagged = [modality for flag, modality in _OUTPUT_FLAGS.items() if entry.fields.get(flag) is True]
    base = listed or outputs_of(tasks, ())
    return _Modalities(tuple(sorted({*base, *flagged})), not (listed or flagged))


def _lifecycle(entry: Entry, replacement: str, notes: list[Note]) -> Lifecycle | None:
    lifecycle = Lifecycle(deprecate_time=_deprecated(entry, notes), replacement=replacement)
    return lifecycle if lifecycle != Lifecycle() else None


def _deprecated(entry: Entry, notes: list[Note]) -> datetime | None:
    told = entry.fields.get("deprecation_date")
    if told is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(str(told)), time(), UTC)
    except ValueError:
        notes.append(Note(entry.key, "deprecation_date is no date", str(told)[:64]))
        return None


def _supported(entry: Entry) -> Iterator[tuple[str, bool]]:
    for name, value in entry.fields.items():
        if name.startswith(_SUPPORTS) and isinstance(value, bool):
            yield name.removeprefix(_SUPPORTS), value


def _texts(entry: Entry, name: str) -> list[str]:
    value = entry.fields.get(name)
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _count(entry: Entry, name: str, notes: list[Note]) -> int | None:
    value: Any = entry.fields.get(name)
    if value is None:
        return None
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    # An exponent can be anything: what is out of bounds is never made whole.
    if number and 0 < value < 2**31 and value == int(value):
        return int(value)
    notes.append(
        Note(entry.key, f"{name} of 0 taken as unknown" if value == 0 else f"{name} is no count", str(value)[:64])
    )
    return None
