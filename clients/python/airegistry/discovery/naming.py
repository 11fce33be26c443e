"""What a caller writes as `model`, resolved to resource names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum
from itertools import chain
from typing import Any

from airegistry.resources.model import LifecycleStage, Model
from airegistry.resources.resource import Resource
from airegistry.resources.route import Route


class Step(IntEnum):
    """The steps of the resolution, in their order; the first that finds anything decides."""

    FULL_NAME = 0
    ROUTE = 1
    MODEL_ALIAS = 2
    MODEL_ID = 3
    ORIGINAL_ID = 4
    PROVIDER_AND_ORIGINAL_ID = 5
    FAMILY_AND_VERSION = 6
    AGENT_ID = 7


LATEST = "latest"
"""The version that stands for the newest one of a family."""

_PART = re.compile(r"[0-9]+|[a-z]+")
_Key = tuple[Step, str]
_STEPS = tuple(Step)


class NameTable:
    """Every name that a resource answers to.

    A model answers to `provider/original-id` for its publisher and for the provider of each of its endpoints, and to
    `family@version`. `family@latest` is the newest version of a family that is in use: previews and what is deprecated or
    retired do not count, and versions are compared part by part, numbers as numbers.
    """

    def __init__(self) -> None:
        self._steps: tuple[dict[str, tuple[str, ...]], ...] = tuple({} for _ in Step)
        # Step, text, step, text …: a tuple for each of the names of a million models would be most of the table.
        self._keys: dict[str, tuple[Any, ...]] = {}
        self._models: dict[str, Model] = {}
        self._providers: dict[str, dict[str, str]] = {}
        self._families: dict[str, set[str]] = {}

    def replace(self, resources: Iterable[Resource]) -> None:
        """Forget everything and know *resources* instead."""
        fresh = NameTable()
        fresh.apply(resources, ())
        self._steps, self._keys = fresh._steps, fresh._keys
        self._models, self._providers, self._families = fresh._models, fresh._providers, fresh._families

    def apply(self, puts: Iterable[Resource], removed: Iterable[str]) -> None:
        """Take in what changed. Repeats, and removals of what is not there, are harmless."""
        for name in removed:
            self._remove(name)
        for resource in puts:
            self._put(resource)

    def resolve(self, text: str) -> tuple[str, ...]:
        """Return the full names that *text* means by the first step that matches.

        Several: it is ambiguous. None: nothing has that name.
        """
        for step in self._steps:
            if found := step.get(text):
                return found
        family, _, version = text.rpartition("@")
        return self._latest(family) if version == LATEST else ()

    def models_known_as(self, text: str) -> tuple[str, ...]:
        """Return the models that answer to *text* by any step."""
        return tuple(name for step in self._steps for name in step.get(text, ()) if name in self._models)

    def _put(self, resource: Resource) -> None:
        name = resource.name
        if resource.model is not None:
            self._leave_family(name)
            self._models[name] = resource.model
            self._families.setdefault(resource.model.family, set()).add(name)
            self._enter(name, self._model_keys(name, resource.model))
        elif resource.endpoint is not None:
            self._enter(name, ((Step.FULL_NAME, name),))
            self._serve(name, resource.endpoint.provider)
        elif resource.route is not None:
            self._enter(name, _route_keys(name, resource.route))
        elif resource.agent is not None:
            self._enter(name, ((Step.FULL_NAME, name), (Step.AGENT_ID, name.removeprefix("agents/"))))

    def _latest(self, family: str) -> tuple[str, ...]:
        """Return the newest of a family; several when more than one has that version."""
        members = {name: self._models[name] for name in self._families.get(family, ())} if family else {}
        versions = {name: version_key(model.version) for name, model in members.items() if _in_use(model)}
        newest = max(versions.values(), default=())
        return tuple(sorted(name for name, version in versions.items() if version == newest and newest))

    def _leave_family(self, name: str) -> None:
        old = self._models.get(name)
        if old is not None:
            family = self._families[old.family]
            family.discard(name)
            if not family:
                del self._families[old.family]

    def _remove(self, name: str) -> None:
        self._leave_family(name)
        self._models.pop(name, None)
        self._enter(name, ())
        self._serve(name, "")

    def _serve(self, endpoint: str, provider: str) -> None:
        model = parent_of(endpoint)
        providers = self._providers.setdefault(model, {})
        old = providers.pop(endpoint, "")
        if provider:
            providers[endpoint] = provider
        if not providers:
            del self._providers[model]
        if provider != old and model in self._models:
            self._enter(model, self._model_keys(model, self._models[model]))

    def _enter(self, name: str, keys: tuple[_Key, ...]) -> None:
        flat = self._keys.pop(name, ())
        old = tuple(zip(map(_STEPS.__getitem__, flat[::2]), flat[1::2], strict=True))
        if keys:
            self._keys[name] = tuple(chain.from_iterable(keys))
        if keys == old:
            return
        for step, text in old:
            rest = tuple(other for other in self._steps[step][text] if other != name)
            if rest:
                self._steps[step][text] = rest
            else:
                del self._steps[step][text]
        alone = (name,)
        for step, text in keys:
            others = self._steps[step].get(text)
            self._steps[step][text] = tuple(sorted((*others, name))) if others else alone

    def _model_keys(self, name: str, model: Model) -> tuple[_Key, ...]:
        providers = {model.publisher, *self._providers.get(name, {}).values()} - {""}
        return tuple(dict.fromkeys(_model_keys(name, model, sorted(providers))))


def version_key(version: str) -> tuple[tuple[int, int, str], ...]:
    """Return what versions are compared by: their parts, numbers as numbers and before words; empty for no version.

    `1.10` comes after `1.9`, `2024-11-20` after `2024-08-06`, and `2` after `2-beta`.
    """
    parts = _PART.findall(version.lower())
    return (*map(_part_key, parts), (0, 0, "")) if parts else ()


def _part_key(part: str) -> tuple[int, int, str]:
    if not part.isdigit():
        return -1, 0, part
    digits = part.lstrip("0")
    return 1, len(digits), digits


def _in_use(model: Model) -> bool:
    stage = model.lifecycle.stage if model.lifecycle is not None else None
    return bool(model.version) and stage in (None, LifecycleStage.ACTIVE)


def parent_of(name: str) -> str:
    """Return the model of an endpoint by its name; empty for other names."""
    model, separator, _ = name.partition("/endpoints/")
    return model if separator else ""


def _model_keys(name: str, model: Model, providers: Iterable[str]) -> Iterator[_Key]:
    yield Step.FULL_NAME, name
    yield Step.MODEL_ID, name.removeprefix("models/")
    for alias in model.aliases:
        yield Step.MODEL_ALIAS, alias
    for original in model.original_ids:
        yield Step.ORIGINAL_ID, original
        for provider in providers:
            yield Step.PROVIDER_AND_ORIGINAL_ID, f"{provider}/{original}"
    if model.family and model.version:
        yield Step.FAMILY_AND_VERSION, f"{model.family}@{model.version}"


def _route_keys(name: str, route: Route) -> tuple[_Key, ...]:
    ids = dict.fromkeys((name.removeprefix("routes/"), *route.aliases))
    return ((Step.FULL_NAME, name), *((Step.ROUTE, id_) for id_ in ids))
