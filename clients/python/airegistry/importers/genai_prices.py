"""The price catalog of the `genai-prices` package as Models and Endpoints.

One Model for each (provider, upstream id), and one Endpoint of that provider below it, without a credential: listed,
discoverable when asked for, never invoked. What the source does not say stays unknown; what is inferred from a model's id
and prices (its task and modalities) follows `tasks_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from airegistry.importers.genai_prices_schedules import SOURCE, price_list
from airegistry.importers.identifiers import Original, assign_ids
from airegistry.importers.providers import PROVIDERS, Access
from airegistry.importers.report import Catalog, Note
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Lifecycle, LifecycleStage, Modality, Model, ModelLimits
from airegistry.resources.prices import PriceBucket, PriceList
from airegistry.resources.provenance import Provenance
from airegistry.resources.resource import Resource

_MAX_DESCRIPTION = 4096

# A word of the id, and the task that it gives away. The first that fits wins.
_TASK_WORDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("embed", "bge-", "gte-", "e5-", "voyage-"), "feature-extraction"),
    (("rerank",), "text-ranking"),
    (("whisper", "transcribe", "transcription"), "automatic-speech-recognition"),
    (("-tts", "tts-", "text-to-speech", "speech-"), "text-to-speech"),
    (("gpt-image", "dall-e", "imagen", "flux", "stable-diffusion"), "text-to-image"),
    (("sora", "veo-"), "text-to-video"),
    (("ocr",), "image-to-text"),
    (("moderation",), "text-classification"),
)

_INPUTS: Mapping[PriceBucket, Modality] = {
    PriceBucket.INPUT_AUDIO_TOKENS: Modality.AUDIO,
    PriceBucket.INPUT_AUDIO_HOURS: Modality.AUDIO,
    PriceBucket.INPUT_IMAGE_TOKENS: Modality.IMAGE,
    PriceBucket.INPUT_VIDEO_TOKENS: Modality.VIDEO,
    PriceBucket.INPUT_DOCUMENT_PAGES: Modality.FILE,
}
_OUTPUTS: Mapping[PriceBucket, Modality] = {
    PriceBucket.OUTPUT_AUDIO_TOKENS: Modality.AUDIO,
    PriceBucket.OUTPUT_IMAGE_TOKENS: Modality.IMAGE,
    PriceBucket.OUTPUT_VIDEO_TOKENS: Modality.VIDEO,
}
_TASK_OUTPUT: Mapping[str, Modality] = {
    "text-generation": Modality.TEXT,
    "feature-extraction": Modality.EMBEDDING,
    "automatic-speech-recognition": Modality.TEXT,
    "text-to-speech": Modality.AUDIO,
    "text-to-image": Modality.IMAGE,
    "text-to-video": Modality.VIDEO,
    "image-to-text": Modality.TEXT,
}
_TASK_INPUT: Mapping[str, Modality] = {
    "automatic-speech-recognition": Modality.AUDIO,
    "image-to-text": Modality.IMAGE,
}


def read_catalog(
    equivalences: Mapping[str, Iterable[Original]] | None = None, *, advance: Callable[[int, int], None] | None = None
) -> Catalog:
    """Read the catalog that the installed `genai-prices` package ships.

    *advance* is told (models done, models in all). Raises ImportError when the package is not installed.
    """
    from genai_prices.data import providers  # noqa: PLC0415 - large, and only needed here

    return to_catalog(providers, version("genai-prices"), equivalences, advance=advance)


def to_catalog(
    providers: Iterable[Any],
    source_version: str,
    equivalences: Mapping[str, Iterable[Original]] | None = None,
    *,
    advance: Callable[[int, int], None] | None = None,
) -> Catalog:
    """Map providers in the form of `genai_prices.types.Provider` to resources."""
    pairs = [(provider, info) for provider in providers for info in provider.models]
    originals = [Original(provider.id, info.id) for provider, info in pairs]
    ids, collisions = assign_ids(originals, equivalences)
    resources: dict[str, Resource] = {}
    notes: list[Note] = []
    for done, (provider, info) in enumerate(pairs, 1):
        provenance = Provenance(SOURCE, source_version, (provider.pricing_urls or [""])[0])
        prices, price_notes = price_list(str(Original(provider.id, info.id)), info, provenance)
        notes += price_notes
        id_ = ids[Original(provider.id, info.id)]
        model = _model(provider, info, prices, provenance)
        _add_model(resources, f"models/{id_}", model)
        endpoint = _endpoint(provider, info, prices, provenance, model.tasks)
        if not endpoint.address:
            notes.append(Note(str(Original(provider.id, info.id)), "address unknown: listed, never invoked"))
        name = f"models/{id_}/endpoints/{provider.id}"
        resources[name] = Resource(name=name, endpoint=endpoint)
        if advance is not None:
            advance(done, len(pairs))
    ordered = tuple(resources[name] for name in sorted(resources))
    return Catalog(f"{SOURCE} {source_version}", ordered, tuple(notes), collisions)


def tasks_of(model_id: str, buckets: Iterable[PriceBucket]) -> tuple[str, ...]:
    """Infer the task from the words of an id, else from whether output tokens are priced; empty when neither tells."""
    lowered = model_id.lower()
    for words, task in _TASK_WORDS:
        if any(word in lowered for word in words):
            return (task,)
    return ("text-generation",) if PriceBucket.OUTPUT_TOKENS in set(buckets) else ()


def _add_model(resources: dict[str, Resource], name: str, model: Model) -> None:
    """Add a model, or the original id of one that is known already under a stated equivalence."""
    known = resources[name].model if name in resources else None
    if known is not None:
        model = replace(known, original_ids=tuple(dict.fromkeys(known.original_ids + model.original_ids)))
    resources[name] = Resource(name=name, model=model)


def _model(provider: Any, info: Any, prices: PriceList | None, provenance: Provenance) -> Model:
    buckets = _buckets(prices)
    tasks = tasks_of(info.id, buckets)
    inputs = {_TASK_INPUT.get(task, Modality.TEXT) for task in tasks}
    outputs = {_TASK_OUTPUT[task] for task in tasks if task in _TASK_OUTPUT}
    return Model(
        display_name=info.name or info.id,
        description=(info.description or "").strip()[:_MAX_DESCRIPTION],
        publisher=provider.id,
        original_ids=(info.id,),
        tasks=tasks,
        input_modalities=tuple(sorted(inputs | {_INPUTS[bucket] for bucket in buckets if bucket in _INPUTS})),
        output_modalities=tuple(sorted(outputs | {_OUTPUTS[bucket] for bucket in buckets if bucket in _OUTPUTS})),
        limits=ModelLimits(context_tokens=info.context_window) if info.context_window is not None else None,
        lifecycle=Lifecycle(LifecycleStage.DEPRECATED) if info.deprecated else None,
        provenance=provenance,
    )


def _endpoint(
    provider: Any, info: Any, prices: PriceList | None, provenance: Provenance, tasks: tuple[str, ...]
) -> Endpoint:
    access = PROVIDERS.get(provider.id)
    return Endpoint(
        provider=provider.id,
        address=access.address if access is not None else "",
        upstream_model=info.id + (access.suffix if access is not None else ""),
        communication=_communication(access, tasks, info.id),
        prices=prices,
        capabilities=access.capabilities_of(info.id) if access is not None else {},
        provenance=provenance,
    )


def _communication(access: Access | None, tasks: tuple[str, ...], model_id: str) -> Communication | None:
    if access is None:
        return None
    dialects = {"text-generation": access.chat, "feature-extraction": access.embeddings}
    dialect = dialects.get(tasks[0], "") if tasks else ""
    return access.communication(dialect, model_id)


def _buckets(prices: PriceList | None) -> set[PriceBucket]:
    schedules = prices.schedules if prices is not None else ()
    return {price.bucket for schedule in schedules for price in schedule.prices if price.bucket is not None}
