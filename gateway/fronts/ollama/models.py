"""What can be asked, as Ollama lists and shows models."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Capability, Modality, Model
from airegistry.resources.resource import Resource
from gateway.fronts.ollama.responses import rfc3339

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_BILLION: Final = 1_000_000_000
_MILLION: Final = 1_000_000
_CAPABILITIES: Final[Mapping[str, str]] = {"tools": "tools", "reasoning": "thinking", "thinking": "thinking"}
"""Capabilities of a model, and Ollama's words for them."""


def tags_body(resources: Iterable[Resource]) -> bytes:
    """Return the list of what can be asked. No size is told: nothing of them is stored here."""
    return orjson.dumps({"models": [_listed(resource) for resource in resources]})


def show_body(resource: Resource, models: Sequence[Model], endpoints: Iterable[Endpoint]) -> bytes:
    """Return what is known of a model, or of a route: of the one model behind it, or what all of those can do."""
    model = models[0] if len(models) == 1 else Model()
    body: dict[str, Any] = {
        "details": _details(model, endpoints),
        "model_info": _facts(model),
        "capabilities": _common([_capabilities(one) for one in models]),
        "modified_at": _time(resource),
    }
    if model.license:
        body["license"] = model.license
    return orjson.dumps(body)


def _listed(resource: Resource) -> dict[str, Any]:
    name = resource.name.partition("/")[2]
    return {
        "name": name,
        "model": name,
        "modified_at": _time(resource),
        "digest": hashlib.sha256(f"{resource.name}@{resource.etag or resource.revision}".encode()).hexdigest(),
        "details": _details(resource.model or Model(), ()),
    }


def _time(resource: Resource) -> str:
    return rfc3339((resource.update_time or resource.create_time or _EPOCH).astimezone(UTC))


def _details(model: Model, endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    quantizations = {endpoint.quantization for endpoint in endpoints if endpoint.quantization}
    return {
        "parent_model": "",
        "format": "",
        "family": model.family,
        "families": [model.family] if model.family else None,
        "parameter_size": _size(model.parameter_count),
        # Several who serve it may have it in several forms.
        "quantization_level": quantizations.pop().upper() if len(quantizations) == 1 else "",
    }


def _size(parameters: int | None) -> str:
    if parameters is None:
        return ""
    if parameters >= _BILLION:
        return f"{parameters / _BILLION:.1f}B"
    return f"{parameters / _MILLION:.2f}M"


def _facts(model: Model) -> dict[str, Any]:
    architecture = model.family or "unknown"
    limits = model.limits
    facts = {
        "general.architecture": model.family or None,
        "general.basename": model.display_name or None,
        "general.parameter_count": model.parameter_count,
        f"{architecture}.context_length": limits.context_tokens if limits is not None else None,
        f"{architecture}.embedding_length": limits.embedding_dimensions if limits is not None else None,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def _capabilities(model: Model) -> list[str]:
    embeds = Modality.EMBEDDING in model.output_modalities or "feature-extraction" in model.tasks
    words = ["embedding"] if embeds else ["completion"]
    if Modality.IMAGE in model.input_modalities:
        words.append("vision")
    return [*words, *sorted({word for name, word in _CAPABILITIES.items() if _can(model.capabilities.get(name))})]


def _common(lists: Sequence[list[str]]) -> list[str]:
    return [word for word in lists[0] if all(word in words for words in lists)] if lists else []


def _can(capability: Capability | None) -> bool:
    return capability is not None and bool(capability.level or capability.supported)
