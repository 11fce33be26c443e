"""The models of an Ollama server, as its `/api/tags` lists them, reached in Ollama's own format.

Not through the server's OpenAI-compatible `/v1`: that one overrules the temperature and the nucleus that a model was made
with, leaves out what was counted of a cached prompt as if it were nothing, and knows neither `keep_alive` nor `num_ctx`.

https://github.com/ollama/ollama/blob/main/docs/api.md#list-local-models
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from airegistry.importers.identifiers import Original, assign_ids
from airegistry.importers.report import Catalog, Note
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint
from airegistry.resources.model import Capability, Modality, Model, ModelLimits
from airegistry.resources.provenance import Provenance
from airegistry.resources.resource import Resource

PROVIDER = "ollama"
DEFAULT_URL = "http://127.0.0.1:11434"
MAX_MODELS = 10_000

_OPEN = Auth(AuthMethod.NONE)
_PARAMETERS = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)([KMBT])")
_CAPABILITIES = {"tools": "tools", "thinking": "reasoning"}
_FACTORS = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def to_catalog(body: bytes, url: str, taken: Mapping[str, Resource] | None = None) -> Catalog:
    """Return the models in an answer of `/api/tags` of the server at *url*. Raises ValueError when it is none.

    An id that *taken* has for a model which Ollama does not serve gets the provider as its prefix.
    """
    notes: list[Note] = []
    entries = dict(_entries(body, notes))
    ids, collisions = assign_ids(Original(PROVIDER, name) for name in entries)
    resources: list[Resource] = []
    for original, id_ in sorted(ids.items(), key=lambda pair: pair[1]):
        if _foreign(id_, taken or {}):
            notes.append(Note(str(original), f"the id {id_} is another model's", f"got {PROVIDER}.{id_}"))
            id_ = f"{PROVIDER}.{id_}"[:128]  # noqa: PLW2901 - the id from here on
        resources += _resources(id_, original.id, entries[original.id], url.rstrip("/"))
    return Catalog(f"ollama at {url}", tuple(resources), tuple(notes), collisions)


def _entries(body: bytes, notes: list[Note]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("the answer is not JSON") from error
    models = answer.get("models") if isinstance(answer, dict) else None
    if not isinstance(models, list):
        raise ValueError("the answer has no list of models")  # noqa: TRY004 - the text is wrong, not a type of ours
    if len(models) > MAX_MODELS:
        raise ValueError(f"the answer has more than {MAX_MODELS} models")
    for entry in models:
        name = entry.get("model") or entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str) and name:
            yield name, entry
        else:
            notes.append(Note(str(entry)[:64], "has no name"))


def _foreign(id_: str, taken: Mapping[str, Resource]) -> bool:
    return f"models/{id_}" in taken and f"models/{id_}/endpoints/{PROVIDER}" not in taken


def _resources(id_: str, name: str, entry: Mapping[str, Any], url: str) -> list[Resource]:
    details = entry.get("details")
    details = details if isinstance(details, dict) else {}
    able = _able(entry)
    embeds = "embedding" in able if able else _embeds(name, details)
    provenance = Provenance(PROVIDER, url=f"{url}/api/tags")
    model = Model(
        display_name=name,
        family=str(details.get("family") or ""),
        original_ids=(name,),
        tasks=("feature-extraction" if embeds else "text-generation",),
        input_modalities=(Modality.TEXT, Modality.IMAGE) if "vision" in able else (Modality.TEXT,),
        output_modalities=(Modality.EMBEDDING if embeds else Modality.TEXT,),
        capabilities={ours: Capability(supported=True) for theirs, ours in _CAPABILITIES.items() if theirs in able},
        limits=_limits(details, embeds=embeds),
        parameter_count=_parameters(details.get("parameter_size")),
        provenance=provenance,
    )
    endpoint = Endpoint(
        provider=PROVIDER,
        address=url,
        upstream_model=name,
        communication=Communication(dialect="ollama.embed" if embeds else "ollama.chat", auth=_OPEN),
        quantization=str(details.get("quantization_level") or "").lower(),
        provenance=provenance,
    )
    return [
        Resource(name=f"models/{id_}", model=model),
        Resource(name=f"models/{id_}/endpoints/{PROVIDER}", endpoint=endpoint),
    ]


def _able(entry: Mapping[str, Any]) -> frozenset[str]:
    """Return what a model can do, where the server is new enough to tell."""
    told = entry.get("capabilities")
    return frozenset(word for word in told if isinstance(word, str)) if isinstance(told, list) else frozenset()


def _embeds(name: str, details: Mapping[str, Any]) -> bool:
    """Guess whether a model makes vectors, by the families that do nothing else, and by what the others are called."""
    told = details.get("families")
    families = [details.get("family"), *(told if isinstance(told, list) else [])]
    return "embed" in name.lower() or any("bert" in str(family).lower() for family in families)


def _limits(details: Mapping[str, Any], *, embeds: bool) -> ModelLimits | None:
    context = _count(details.get("context_length"))
    # Of every other model it is the width of its layers.
    dimensions = _count(details.get("embedding_length")) if embeds else None
    if context is None and dimensions is None:
        return None
    return ModelLimits(context_tokens=context, embedding_dimensions=dimensions)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else None


def _parameters(size: Any) -> int | None:
    """Return the number of parameters in a text such as `8.0B`; None where it says nothing."""
    match = _PARAMETERS.fullmatch(size) if isinstance(size, str) else None
    return None if match is None else int(Decimal(match[1]) * _FACTORS[match[2]])
