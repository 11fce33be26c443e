"""A registry and a gateway with llama-server behind them, and everybody who may call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import ollama
import openai

from airegistry.client import GatewayClient
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Probing
from airegistry.resources.resource import Resource
from gateway.app import Gateway
from tests import catalogs
from tests.e2e.real_models.asking import Caller
from tests.e2e.real_models.llama import NAME, LlamaServer
from tests.e2e.real_models.over_anthropic import OverAnthropic
from tests.e2e.real_models.over_grpc import OverGrpc
from tests.e2e.real_models.over_ollama import OverOllama
from tests.e2e.real_models.over_openai_chat import OverOpenAIChat
from tests.e2e.real_models.over_openai_responses import OverOpenAIResponses
from tests.planes import gateway_at, register, registry_at, until_revision

CALLERS = ("grpc", "openai-chat", "openai-responses", "anthropic", "ollama")
DIALECTS = ("openai.chat", "openai.responses", "anthropic.messages")
"""How llama-server can be asked for a chat."""
PATHS = {"openai.chat": "/v1", "openai.embeddings": "/v1", "openai.responses": "/v1", "anthropic.messages": ""}
"""Below which path it speaks a dialect."""


@dataclass(frozen=True)
class Scene:
    gateway: Gateway
    callers: dict[str, Caller]
    # Untyped: tests look at fields that may be absent.
    grpc: Any
    openai: Any
    anthropic: Any
    ollama: Any


@asynccontextmanager
async def scene(folder: Path, resources: Iterable[Resource]) -> AsyncIterator[Scene]:
    """Register *resources* with a registry, and yield a gateway that heard of them."""
    async with registry_at(folder) as registry:
        revision = await register(registry.address, *resources)
        async with gateway_at(folder, registry.address) as gateway:
            await until_revision(gateway.cache, revision)
            async with called(gateway) as ready:
                yield ready


@asynccontextmanager
async def called(gateway: Gateway) -> AsyncIterator[Scene]:
    """Connect every SDK to *gateway*. None of them tries again by itself."""
    url = f"http://{gateway.http_address}"
    async with (
        GatewayClient(gateway.address) as client,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as of_openai,
        anthropic.AsyncAnthropic(base_url=url, api_key="none", max_retries=0) as of_anthropic,
        ollama.AsyncClient(url) as of_ollama,
    ):
        callers: dict[str, Caller] = {
            "grpc": OverGrpc(client),
            "openai-chat": OverOpenAIChat(of_openai),
            "openai-responses": OverOpenAIResponses(of_openai),
            "anthropic": OverAnthropic(of_anthropic),
            "ollama": OverOllama(of_ollama),
        }
        yield Scene(gateway, callers, client, of_openai, of_anthropic, of_ollama)


def served(server: LlamaServer) -> list[Resource]:
    """Return a model for each dialect that *server* speaks, called as the dialect is."""
    return [
        resource for dialect in DIALECTS for resource in (catalogs.model(dialect), serving(dialect, server, dialect))
    ]


def serving(model: str, server: LlamaServer, dialect: str, **facts: Any) -> Resource:
    """Return the endpoint of *server* for *model*. Nobody probes it: the tests count what it makes."""
    communication = Communication(dialect=dialect, auth=Auth(AuthMethod.NONE))
    settings: dict[str, Any] = {"upstream_model": NAME, "probing": Probing(disabled=True), **facts}
    address = f"{server.url}{PATHS[dialect]}"
    return catalogs.endpoint("llama", address, model=model, communication=communication, **settings)
