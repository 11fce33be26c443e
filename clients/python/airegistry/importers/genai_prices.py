"""The price catalog of the `genai-prices` package as Models and Endpoints.

One Model for each (provider, upstream id), and one Endpoint of that provider below it, without a credential: listed,
discoverable when asked for, never invoked. What the source does not say stays unknown; what is inferred from a model's id
and prices (task, modalities, capabilities) is marked as inferred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from airegistry.importers.files import digest_of
from airegistry.importers.free import with_free_output
from airegistry.importers.genai_prices_schedules import SOURCE, price_list
from airegistry.importers.identifiers import Original, assign_ids
from airegistry.importers.inferring import buckets_of, capabilities_of, inputs_of, outputs_of, tasks_of
from airegistry.importers.providers import PROVIDERS, Access
from airegistry.importers.report import Catalog, Note
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Capability, Lifecycle, LifecycleStage, Model, ModelLimits
from airegistry.resources.prices import PriceList
from airegistry.resources.provenance import FactSource, Provenance
from airegistry.resources.resource import Resource

_MAX_DESCRIPTION = 4096


def read_catalog(
    equivalences: Mapping[str, Iterable[Original]] | None = None,
    *,
    retrieved: datetime | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> Catalog:
    """Read the catalog that the installed `genai-prices` package ships.

    *advance* is told (models done, models in all). Raises ImportError when the package is not installed.
    """
    from genai_prices import data  # noqa: PLC0415 - large, and only needed here

    digest = digest_of(Path(data.__file__).read_bytes())
    origin = Provenance(SOURCE, version("genai-prices"), retrieve_time=retrieved, digest=digest)
    return to_catalog(data.providers, origin, equivalences, advance=advance)


def to_catalog(
    providers: Iterable[Any],
    origin: Provenance,
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
        provenance = replace(origin, url=(provider.pricing_urls or [""])[0])
        prices, price_notes = price_list(str(Original(provider.id, info.id)), info, provenance)
        notes += price_notes
        id_ = ids[Original(provider.id, info.id)]
        model = _model(provider, info, prices, provenance)
        if prices is not None:
            prices = with_free_output(prices, model.tasks)
        _add_model(resources, f"models/{id_}", model)
        endpoint = _endpoint(provider, info, prices, provenance, model.tasks)
        if not endpoint.address:
            notes.append(Note(str(Original(provider.id, info.id)), "address unknown: listed, never invoked"))
        name = f"models/{id_}/endpoints/{provider.id}"
        resources[name] = Resource(name=name, endpoint=endpoint)
        if advance is not None:
            advance(done, len(pairs))
    ordered = tuple(resources[name] for name in sorted(resources))
    return Catalog(f"{SOURCE} {origin.source_version}", ordered, tuple(notes), collisions)


def _add_model(resources: dict[str, Resource], name: str, model: Model) -> None:
    """Add a model, or the original id of one that is known already under a stated equivalence."""
    known = resources[name].model if name in resources else None
    if known is not None:
        model = replace(known, original_ids=tuple(dict.fromkeys(known.original_ids + model.original_ids)))
    resources[name] = Resource(name=name, model=model)


def _model(provider: Any, info: Any, prices: PriceList | None, provenance: Provenance) -> Model:
    buckets = buckets_of(prices)
    tasks = tasks_of(info.id, buckets)
    facts: dict[str, Any] = {
        "tasks": tasks,
        "input_modalities": inputs_of(info.id, tasks, buckets),
        "output_modalities": outputs_of(tasks, buckets),
    }
    can = capabilities_of(info.id, tasks, buckets)
    inferred = sorted([*(name for name, fact in facts.items() if fact), *(f"capabilities.{name}" for name in can)])
    return Model(
        display_name=info.name or info.id,
        description=(info.description or "").strip()[:_MAX_DESCRIPTION],
        publisher=provider.id,
        original_ids=(info.id,),
        capabilities={name: Capability(supported=True) for name in can},
        limits=ModelLimits(context_tokens=info.context_window) if info.context_window is not None else None,
        lifecycle=Lifecycle(LifecycleStage.DEPRECATED) if info.deprecated else None,
        provenance=provenance,
        fact_sources=(FactSource(tuple(inferred), inferred=True),) if inferred else (),
        **facts,
    )


def _endpoint(
    provider: Any, info: Any, prices: PriceList | None, provenance: Provenance, tasks: tuple[str, ...]
) -> Endpoint:
    access = PROVIDERS.get(provider.id)
    communication = _communication(access, tasks, info.id)
    guessed = communication is not None and bool(communication.dialect)
    return Endpoint(
        provider=provider.id,
        address=access.address if access is not None else "",
        upstream_model=info.id + (access.suffix if access is not None else ""),
        communication=communication,
        prices=prices,
        capabilities=access.capabilities_of(info.id) if access is not None else {},
        provenance=provenance,
        # It follows the task, which is a conclusion.
        fact_sources=(FactSource(("communication.dialect",), inferred=True),) if guessed else (),
    )


def _communication(access: Access | None, tasks: tuple[str, ...], model_id: str) -> Communication | None:
    if access is None:
        return None
    dialects = {"text-generation": access.chat, "feature-extraction": access.embeddings}
    dialect = dialects.get(tasks[0], "") if tasks else ""
    return access.communication(dialect, model_id)
