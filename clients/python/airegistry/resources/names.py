"""Resource names: `models/{model}`, `models/{model}/endpoints/{endpoint}`, `agents/{agent}`, `routes/{route}`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airegistry.errors import InvalidArgumentError
from airegistry.resources.resource import ResourceKind

MAX_ID_LENGTH = 128

_ID = re.compile(r"[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?")
_ID_RULE = "an id has 1 to 128 of a-z 0-9 . _ - and begins and ends with a letter or digit"
_NOT_ID = re.compile(r"[^a-z0-9._-]+")

_COLLECTIONS = {
    "models": ResourceKind.MODEL,
    "agents": ResourceKind.AGENT,
    "routes": ResourceKind.ROUTE,
}


@dataclass(frozen=True, slots=True)
class ResourceName:
    """A name taken apart. `parent` is the model's full name for endpoints, and empty otherwise."""

    kind: ResourceKind
    id: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """What can be listed: the resources of a kind whose names have a prefix.

    With `agent`, an agent's full name, only those of them that it names.
    """

    kind: ResourceKind
    prefix: str
    agent: str = ""


def valid_id(text: str) -> bool:
    """Say whether *text* can be an id."""
    return _ID.fullmatch(text) is not None


def parse_name(name: str, *, field: str = "name") -> ResourceName:
    """Take a resource name apart, or raise InvalidArgumentError naming *field*."""
    parts = name.split("/")
    match parts:
        case [collection, id_] if collection in _COLLECTIONS and valid_id(id_):
            return ResourceName(_COLLECTIONS[collection], id_)
        case ["models", model, "endpoints", id_] if valid_id(model) and valid_id(id_):
            return ResourceName(ResourceKind.ENDPOINT, id_, f"models/{model}")
    raise InvalidArgumentError.of(field, _name_problem(name, parts))


def parse_collection(collection: str, *, field: str = "collection") -> Collection:
    """Return what a collection lists, or raise InvalidArgumentError naming *field*.

    `models/-/endpoints` means the endpoints of all models, `agents/{agent}/models` the models that an agent works with.
    """
    match collection.split("/"):
        case [top] if top in _COLLECTIONS:
            return Collection(_COLLECTIONS[top], f"{top}/")
        case ["models", "-", "endpoints"]:
            return Collection(ResourceKind.ENDPOINT, "models/")
        case ["models", model, "endpoints"] if valid_id(model):
            return Collection(ResourceKind.ENDPOINT, f"{collection}/")
        case ["agents", agent, "models"] if valid_id(agent):
            return Collection(ResourceKind.MODEL, "models/", f"agents/{agent}")
    raise InvalidArgumentError.of(
        field, "must be models, models/{model}/endpoints, models/-/endpoints, agents, agents/{agent}/models or routes"
    )


def slug(original: str) -> str:
    """Return the id for a provider's own spelling: lower case, other characters to `-`; empty when nothing is left."""
    text = _NOT_ID.sub("-", original.lower())[:MAX_ID_LENGTH]
    return text.strip("-._")


def _name_problem(name: str, parts: list[str]) -> str:
    shown = name if len(name) <= MAX_ID_LENGTH else f"{name[:MAX_ID_LENGTH]}…"
    if not name:
        return "is required"
    if parts[0] in _COLLECTIONS and len(parts) in {2, 4}:
        return f"{shown!r} is not a resource name: {_ID_RULE}"
    return (
        f"{shown!r} is not a resource name: it must be models/{{model}}, models/{{model}}/endpoints/{{endpoint}}, "
        "agents/{agent} or routes/{route}"
    )
