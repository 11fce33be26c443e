"""Under which names a catalog's models go into a registry that has models already.

A model that the registry knows, from whichever source, keeps its name: it is the same one when the same provider serves it
under the same id. A name that another model has is not taken: the provider goes in front.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from airegistry.importers.report import Catalog, Note
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Model
from airegistry.resources.names import MAX_ID_LENGTH, parse_name
from airegistry.resources.resource import Resource

_HASH_LENGTH = 8


def place(catalog: Catalog, existing: Mapping[str, Resource]) -> Catalog:
    """Return the catalog with the names that its models and endpoints have, or get, in the registry."""
    endpoints = {
        _served(resource.endpoint): name for name, resource in existing.items() if resource.endpoint is not None
    }
    known = {(provider, upstream): parse_name(name).parent for (provider, upstream, _), name in endpoints.items()}
    placed: dict[str, str] = {}
    notes: list[Note] = []
    taken = {resource.name for resource in catalog.resources} | set(existing)
    for name, served in _models(catalog.resources):
        found = next((known[one.provider, one.upstream_model] for one in served if _pair(one) in known), "")
        if not found and _is_another(existing.get(name), served):
            found = _free(name, served[0].provider if served else "", taken)
            notes.append(Note(name, "the name is another model's in the registry", f"got {found}"))
        placed[name] = found or name
    resources = tuple(_renamed(resource, placed, endpoints) for resource in catalog.resources)
    return replace(catalog, resources=resources, collisions=(*catalog.collisions, *notes))


def _models(resources: Iterable[Resource]) -> Iterable[tuple[str, list[Endpoint]]]:
    served: dict[str, list[Endpoint]] = {}
    for resource in resources:
        if resource.endpoint is not None:
            served.setdefault(parse_name(resource.name).parent, []).append(resource.endpoint)
        elif resource.model is not None:
            served.setdefault(resource.name, [])
    return served.items()


def _is_another(existing: Resource | None, served: Iterable[Endpoint]) -> bool:
    """Say whether a model that has a name is not the one that a catalog means: nobody there serves it by this id."""
    if existing is None:
        return False
    model = existing.model or Model()
    return not any(one.provider == model.publisher and one.upstream_model in model.original_ids for one in served)


def _free(name: str, provider: str, taken: set[str]) -> str:
    id_ = f"{provider}.{parse_name(name).id}"[:MAX_ID_LENGTH].rstrip("._-")
    if f"models/{id_}" in taken:
        digest = hashlib.sha256(f"{provider}/{name}".encode()).hexdigest()[:_HASH_LENGTH]
        id_ = f"{id_[: MAX_ID_LENGTH - _HASH_LENGTH - 1]}-{digest}"
    taken.add(f"models/{id_}")
    return f"models/{id_}"


def _renamed(resource: Resource, placed: Mapping[str, str], endpoints: Mapping[tuple[str, str, str], str]) -> Resource:
    if resource.endpoint is not None:
        parts = parse_name(resource.name)
        own = f"{placed[parts.parent]}/endpoints/{parts.id}"
        return replace(resource, name=endpoints.get(_served(resource.endpoint), own))
    name = placed.get(resource.name, resource.name)
    lifecycle = resource.model.lifecycle if resource.model is not None else None
    if resource.model is None or lifecycle is None or lifecycle.replacement not in placed:
        return replace(resource, name=name)
    succeeded = replace(lifecycle, replacement=placed[lifecycle.replacement])
    return replace(resource, name=name, model=replace(resource.model, lifecycle=succeeded))


def _served(endpoint: Endpoint) -> tuple[str, str, str]:
    return endpoint.provider, endpoint.upstream_model, endpoint.region


def _pair(endpoint: Endpoint) -> tuple[str, str]:
    return endpoint.provider, endpoint.upstream_model
