"""Which imported endpoints a key in the environment opens. Only names of credentials are seen here, never a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from airegistry.importers.providers import PROVIDERS
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Model
from airegistry.resources.names import parse_name, slug
from airegistry.resources.resource import Resource

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "HUGGINGFACE_API_TOKEN")
"""The keys that auto-register looks for."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What keys open: the endpoints with the credential's name, and the models with the slug of their id as an alias.

    `count` is how many endpoints each key opens, those that name it already included.
    """

    resources: tuple[Resource, ...]
    count: Mapping[str, int]


def open_with(keys: Collection[str], resources: Mapping[str, Resource]) -> Opened:
    """Name the credentials *keys* on the endpoints of their providers; who names another one keeps it.

    A model that becomes callable answers to the slug of its original id, unless another model has that name.
    """
    count = dict.fromkeys(keys, 0)
    changed: dict[str, Resource] = {}
    models: dict[str, None] = {}
    for name, resource in resources.items():
        endpoint = resource.endpoint
        key = _key_of(endpoint) if endpoint is not None else ""
        if endpoint is None or key not in count or endpoint.credential not in {"", key}:
            continue
        count[key] += 1
        models[parse_name(name).parent] = None
        if not endpoint.credential:
            changed[name] = replace(resource, endpoint=replace(endpoint, credential=key))
    changed |= _aliased(models, resources)
    return Opened(tuple(changed[name] for name in sorted(changed)), count)


def _key_of(endpoint: Endpoint) -> str:
    access = PROVIDERS.get(endpoint.provider)
    # Somebody who moved the endpoint elsewhere did not mean the provider's key to go there.
    return access.credential if access is not None and endpoint.address == access.address else ""


def _aliased(names: Iterable[str], resources: Mapping[str, Resource]) -> dict[str, Resource]:
    """Return the models that get an alias; of several that want the same one, none does."""
    wanted: dict[str, str] = {}
    for name in names:
        model = resources[name].model if name in resources else None
        if model is not None and (alias := _alias(name, model)):
            wanted[name] = alias
    rivals = Counter(wanted.values())
    taken = set(_names(resources.values()))
    return {
        name: _with_alias(resources[name], alias)
        for name, alias in wanted.items()
        if rivals[alias] == 1 and alias not in taken
    }


def _alias(name: str, model: Model) -> str:
    alias = slug(model.original_ids[0]) if model.original_ids else ""
    return "" if alias == parse_name(name).id or alias in model.aliases else alias


def _with_alias(resource: Resource, alias: str) -> Resource:
    assert resource.model is not None  # noqa: S101 - `_aliased` looked
    return replace(resource, model=replace(resource.model, aliases=(*resource.model.aliases, alias)))


def _names(resources: Iterable[Resource]) -> Iterable[str]:
    for resource in resources:
        if resource.model is not None:
            yield parse_name(resource.name).id
            yield from resource.model.aliases
        elif resource.route is not None:
            yield parse_name(resource.name).id
            yield from resource.route.aliases
