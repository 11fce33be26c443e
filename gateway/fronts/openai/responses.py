"""Whole answers as the JSON of OpenAI's API."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from airegistry.invocations.chat import ChatResponse
from airegistry.invocations.embeddings import EmbeddingsResponse
from airegistry.invocations.invocation import Settlement
from gateway.fronts.accounts import settlement_value
from gateway.fronts.openai.message import choice_value
from gateway.fronts.openai.usage import usage_value


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around an answer: our id of it, when it was asked for (epoch seconds), and the model as it was asked for."""

    id: str
    created: int
    model: str


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model in the list of models."""

    id: str
    created: int = 0
    owned_by: str = ""


def chat_body(response: ChatResponse, settlement: Settlement | None, envelope: Envelope) -> bytes:
    """Return a `chat.completion`. Fields of the provider's own stand beside ours, as they came."""
    lost: list[str] = []
    choices = [choice_value(choice, lost) for choice in response.choices]
    body: dict[str, Any] = {
        **(response.extra or {}),
        "id": envelope.id,
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": choices,
        "usage": usage_value(settlement.usage if settlement else None),
        "airegistry": settlement_value(settlement, lost),
    }
    return orjson.dumps(body)


def embeddings_body(
    response: EmbeddingsResponse, settlement: Settlement | None, envelope: Envelope, *, as_base64: bool
) -> bytes:
    """Return a list of embeddings, as numbers or as base64 of little-endian 32-bit floats."""
    usage = usage_value(settlement.usage if settlement else None)
    if usage is not None:
        usage = {"prompt_tokens": usage["prompt_tokens"], "total_tokens": usage["total_tokens"]}
    body: dict[str, Any] = {
        **(response.extra or {}),
        "object": "list",
        "data": [
            {"object": "embedding", "index": one.index, "embedding": _vector(one.values, as_base64=as_base64)}
            for one in response.embeddings
        ],
        "model": envelope.model,
        "usage": usage,
        "airegistry": settlement_value(settlement, []),
    }
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def model_list_body(models: Iterable[ListedModel]) -> bytes:
    """Return a list of models."""
    return orjson.dumps({"object": "list", "data": [_model(model) for model in models]})


def model_body(model: ListedModel) -> bytes:
    """Return one model."""
    return orjson.dumps(_model(model))


def _model(model: ListedModel) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by}


def _vector(values: tuple[float, ...], *, as_base64: bool) -> Any:
    vector = np.asarray(values, dtype="<f4")
    # orjson writes a 32-bit float in as few digits as it needs; as a Python float it would get the digits of 64 bits.
    return base64.b64encode(vector.tobytes()).decode() if as_base64 else vector
