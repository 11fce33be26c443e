"""The demo backend's models as resources."""

from __future__ import annotations

from airegistry.resources.endpoint import Auth, AuthMethod, Communication, DataPolicy, Endpoint
from airegistry.resources.model import Capability, Modality, Model, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.resource import Resource
from demo_backend.cards import CHAT, EMBEDDING, EMBEDDING_DIMENSIONS, OWNER, ModelCard

_YES = Capability(supported=True)
_NO = Capability(supported=False)


def demo_resources(address: str) -> tuple[Resource, ...]:
    """Return both models, and an endpoint for each at *address*, `host:port`. They cost nothing, and that is known."""
    return (*_chat(address), *_embeddings(address))


def _chat(address: str) -> tuple[Resource, ...]:
    model = Model(
        display_name="Demo n-gram",
        description=CHAT.description,
        publisher=OWNER,
        tasks=(CHAT.task,),
        input_modalities=(Modality.TEXT,),
        output_modalities=(Modality.TEXT,),
        capabilities={"streaming": _YES, "seed": _YES, "tools": _NO, "reasoning": _NO, "structured_output": _NO},
        limits=ModelLimits(context_tokens=CHAT.context_window),
    )
    return _pair(CHAT, model, address, "openai.chat", PriceBucket.INPUT_TOKENS, PriceBucket.OUTPUT_TOKENS)


def _embeddings(address: str) -> tuple[Resource, ...]:
    model = Model(
        display_name="Demo LSA",
        description=EMBEDDING.description,
        publisher=OWNER,
        tasks=(EMBEDDING.task,),
        input_modalities=(Modality.TEXT,),
        output_modalities=(Modality.EMBEDDING,),
        limits=ModelLimits(context_tokens=EMBEDDING.context_window, embedding_dimensions=EMBEDDING_DIMENSIONS),
    )
    return _pair(EMBEDDING, model, address, "openai.embeddings", PriceBucket.INPUT_TOKENS)


def _pair(card: ModelCard, model: Model, address: str, dialect: str, *free: PriceBucket) -> tuple[Resource, Resource]:
    endpoint = Endpoint(
        provider=OWNER,
        address=f"http://{address}/v1",
        upstream_model=card.id,
        communication=Communication(dialect=dialect, auth=Auth(AuthMethod.NONE)),
        prices=PriceList((PriceSchedule(tuple(Price(bucket, 0) for bucket in free)),)),
        data_policy=DataPolicy(trains_on_data=False, retention=0.0),
    )
    return (
        Resource(name=f"models/{card.id}", model=model),
        Resource(name=f"models/{card.id}/endpoints/{OWNER}", endpoint=endpoint),
    )
