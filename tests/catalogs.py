"""Small catalogs for tests: a model, who serves it, and a cache that knows them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from airegistry.cache import Cache
from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.invocation import Invocation
from airegistry.invocations.kinds import RerankRequest
from airegistry.invoke.credentials import Credentials
from airegistry.resources.agent import Agent, AgentCapabilities, AgentInterface, AgentSkill
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint
from airegistry.resources.model import Model, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.resource import Resource, ResourceStatus
from airegistry.resources.route import Route, RoutePolicy

OPEN = Communication(dialect="openai.chat", auth=Auth(AuthMethod.NONE))
OPEN_EMBEDDINGS = Communication(dialect="openai.embeddings", auth=Auth(AuthMethod.NONE))
WITH_KEY = Communication(dialect="openai.chat")
PRICES = PriceList(
    schedules=(
        PriceSchedule(
            prices=(
                Price(PriceBucket.INPUT_TOKENS, 1_000_000_000),
                Price(PriceBucket.OUTPUT_TOKENS, 2_000_000_000),
            )
        ),
    )
)
"""One dollar for a million input tokens, two for a million output tokens."""

RERANK = RerankRequest(query="q", documents=("d",))
HEDGE = RoutePolicy(hedge_delay=1.0)


def model(id_: str = "m", **facts: Any) -> Resource:
    return Resource(name=f"models/{id_}", model=Model(**facts))


def endpoint(id_: str, url: str, *, model: str = "m", **facts: Any) -> Resource:
    settings: dict[str, Any] = {"provider": id_, "upstream_model": "served", "communication": OPEN, **facts}
    return Resource(name=f"models/{model}/endpoints/{id_}", endpoint=Endpoint(address=url, **settings))


def agent(id_: str, url: str = "", **facts: Any) -> Resource:
    """Return an agent with the skill `count` that streams, as registered."""
    settings: dict[str, Any] = {
        "interfaces": (AgentInterface(url, "GRPC", "1.0"),),
        "skills": (AgentSkill("count", "Count", tags=("numbers",)),),
        "capabilities": AgentCapabilities(streaming=True),
        "auth": Auth(AuthMethod.NONE),
        **facts,
    }
    return Resource(name=f"agents/{id_}", agent=Agent(**settings))


def with_status(resource: Resource, status: ResourceStatus) -> Resource:
    return replace(resource, status=status)


def served(*urls: str) -> list[Resource]:
    """Return a model with endpoints `a`, `b`, …, asked in that order."""
    named = zip("abcdef", urls, strict=False)
    return [model(), *(endpoint(id_, url, priority=i) for i, (id_, url) in enumerate(named))]


def route(id_: str, **facts: Any) -> Resource:
    return Resource(name=f"routes/{id_}", route=Route(**facts))


def cache_of(resources: Iterable[Resource], revision: int = 1) -> Cache:
    cache = Cache(lambda: datetime.now(UTC))
    cache.replace(resources, revision)
    return cache


def asked(text: str = "Say something", **facts: Any) -> ChatRequest:
    message = Message(role=Role.USER, content=(ContentBlock(text=TextBlock(text)),))
    return ChatRequest(messages=(message,), **facts)


def chat(model: str = "m", **facts: Any) -> Invocation:
    return Invocation(model="" if "query" in facts else model, **{"chat": asked()} | facts)


def context(tokens: int) -> ModelLimits:
    return ModelLimits(context_tokens=tokens)


def credentials(**environment: str) -> Credentials:
    return Credentials(directory=None, environment=environment, now=time.monotonic)
