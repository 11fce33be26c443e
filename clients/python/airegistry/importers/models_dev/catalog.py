"""A file in the form of models.dev's `api.json` as a catalog: a Model and an Endpoint for each model of each provider.

Endpoints have no credential: they are listed, discoverable when asked for, and never invoked.

https://github.com/anomalyco/models.dev#schema-reference
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from airegistry.errors import FieldViolation
from airegistry.importers.files import SourceFile, read_file
from airegistry.importers.free import gives_text
from airegistry.importers.identifiers import Original, assign_ids
from airegistry.importers.inferring import buckets_of
from airegistry.importers.models_dev.facts import model_of, tasks_in
from airegistry.importers.models_dev.prices import price_list
from airegistry.importers.providers import PROVIDERS, Access
from airegistry.importers.report import Catalog, Note
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.names import slug
from airegistry.resources.provenance import Provenance
from airegistry.resources.resource import Resource
from airegistry.resources.validation.rules import url

SOURCE = "models.dev"

# models.dev's names of providers whom we know by another one.
_PROVIDERS: Mapping[str, str] = {
    "amazon-bedrock": "aws",
    "cloudflare-workers-ai": "cloudflare",
    "fireworks-ai": "fireworks",
    "google-vertex": "vertex-ai",
    "google-vertex-anthropic": "vertex-ai",
    "novita-ai": "novita",
    "togetherai": "together",
    "xai": "x-ai",
}
_COMPATIBLE = "@ai-sdk/openai-compatible"


def read_path(path: Path, *, retrieved: datetime | None = None) -> SourceFile:
    """Read a file. Raises OSError, or ValueError when it is too large."""
    return read_file(path, SOURCE, retrieved=retrieved)


def to_catalog(file: SourceFile, *, advance: Callable[[int, int], None] | None = None) -> Catalog:
    """Map a file to resources. Raises ValueError when it has not the form of `api.json`."""
    notes: list[Note] = []
    entries = dict(_entries(file.read_object(), notes))
    if not entries:
        raise ValueError("it has no provider with models")
    ids, collisions = assign_ids(entries)
    resources: list[Resource] = []
    for done, (original, (provider, fields)) in enumerate(entries.items(), 1):
        cited = _cited(provider, file.provenance)
        resources += _resources(ids[original], original, (provider, fields), cited, notes)
        if advance is not None:
            advance(done, len(entries))
    ordered = tuple(sorted(resources, key=lambda resource: resource.name))
    return Catalog(SOURCE, ordered, tuple(notes), collisions)


_Entry = tuple[Mapping[str, Any], Mapping[str, Any]]


def _entries(providers: Mapping[str, Any], notes: list[Note]) -> Iterator[tuple[Original, _Entry]]:
    """Yield every model with its provider's fields and its own."""
    for name, provider in providers.items():
        models = provider.get("models") if isinstance(provider, Mapping) else None
        id_ = _PROVIDERS.get(name) or slug(name)
        if not isinstance(models, Mapping) or not id_:
            notes.append(Note(name[:64], "is no provider with models: left out"))
            continue
        for upstream, fields in models.items():
            if isinstance(fields, Mapping) and upstream:
                yield Original(id_, upstream), (provider, fields)
            else:
                notes.append(Note(f"{name}/{upstream}"[:128], "is not an object: left out"))


def _resources(
    id_: str, original: Original, entry: _Entry, provenance: Provenance, notes: list[Note]
) -> Iterator[Resource]:
    provider, fields = entry
    tasks, _ = tasks_in(original, fields, ())
    prices = price_list(original, fields, provenance, notes, output_billed=gives_text(tasks))
    model = model_of(original, fields, buckets_of(prices), provenance, notes)
    access = _access(original, provider, fields, notes)
    endpoint = Endpoint(
        provider=original.provider,
        address=access.address if access is not None else "",
        upstream_model=original.id,
        communication=_communication(access, original, model.tasks),
        prices=prices,
        capabilities=access.capabilities_of(original.id) if access is not None else {},
        provenance=provenance,
    )
    yield Resource(name=f"models/{id_}", model=model)
    yield Resource(name=f"models/{id_}/endpoints/{original.provider}", endpoint=endpoint)


def _access(
    original: Original, provider: Mapping[str, Any], fields: Mapping[str, Any], notes: list[Note]
) -> Access | None:
    """Return how to call a provider: as we know it, else as the file says of one that speaks as OpenAI does."""
    own = fields.get("provider")
    told = {**provider, **(own if isinstance(own, Mapping) else {})}
    known = PROVIDERS.get(original.provider)
    if known is not None and not isinstance(own, Mapping):
        return known
    address = told.get("api")
    if told.get("npm") == _COMPATIBLE and isinstance(address, str) and not _problems(address):
        return Access(address, "")
    notes.append(Note(str(original), "address unknown: listed, never invoked"))
    return None


def _problems(address: str) -> list[FieldViolation]:
    # An address with a placeholder for somebody's account is none.
    return [
        *url(address, "api"),
        *([FieldViolation("api", "has a placeholder")] if "$" in address or "{" in address else ()),
    ]


def _communication(access: Access | None, original: Original, tasks: tuple[str, ...]) -> Communication | None:
    if access is None:
        return None
    dialects = {"text-generation": access.chat, "feature-extraction": access.embeddings, "text-to-image": access.images}
    return access.communication(dialects.get(tasks[0], "") if tasks else "", original.id)


def _cited(provider: Mapping[str, Any], provenance: Provenance) -> Provenance:
    page = provider.get("doc")
    return replace(provenance, url=page) if isinstance(page, str) else provenance
