"""A gateway's Ollama front over a provider of Ollama's format and one of OpenAI's, and the official SDK to ask it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import ollama
import pytest

from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.model import Capability, Modality, ModelLimits
from airegistry.resources.resource import Resource
from airegistry.resources.route import RequestOverrides, RouteTarget, RouteTier
from tests import catalogs, ollamas, providers
from tests.planes import gateway_knowing
from tests.providers import Behaviour, Provider, provider

ASK: Any = [{"role": "user", "content": "Say something"}]
MODELS = pytest.mark.parametrize("model", ["own", "foreign"])
HOW = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])

_CHAT = Communication(dialect="ollama.chat", auth=Auth(AuthMethod.NONE))
_EMBED = Communication(dialect="ollama.embed", auth=Auth(AuthMethod.NONE))
_FACTS: dict[str, Any] = {
    "family": "llama",
    "parameter_count": 8_030_000_000,
    "license": "apache-2.0",
    "input_modalities": (Modality.TEXT, Modality.IMAGE),
    "capabilities": {"tools": Capability(True), "reasoning": Capability(True)},
    "limits": ModelLimits(context_tokens=8192),
}


@dataclass
class Front:
    """A front, and who is behind it. *own* speaks Ollama's format, *foreign* OpenAI's."""

    sdk: ollama.AsyncClient
    http: aiohttp.ClientSession
    url: str
    own: Provider
    foreign: Provider

    async def post(self, path: str, body: Any) -> tuple[int, Any, Any]:
        async with self.http.post(path, data=body if isinstance(body, bytes) else json.dumps(body)) as reply:
            return reply.status, await reply.read(), reply.headers


@asynccontextmanager
async def front_over(
    folder: Path, own: Behaviour = ollamas.ok, foreign: Behaviour = providers.ok, **settings: Any
) -> AsyncIterator[Front]:
    """Run a front for `own` and `e-own` in Ollama's format, `foreign` and `e-foreign` in OpenAI's, and routes to them."""
    async with provider(own) as near, provider(foreign) as far:
        resources = _resources(near.url.removesuffix("/v1"), far.url)
        async with _front_knowing(folder, resources, near, far, **settings) as front:
            yield front


@asynccontextmanager
async def front_knowing(folder: Path, resources: Iterable[Resource], own: Provider) -> AsyncIterator[Front]:
    """Run a front for these resources."""
    async with _front_knowing(folder, resources, own, own) as front:
        yield front


@asynccontextmanager
async def _front_knowing(
    folder: Path, resources: Iterable[Resource], own: Provider, foreign: Provider, **settings: Any
) -> AsyncIterator[Front]:
    async with gateway_knowing(folder, resources, **settings) as gateway:
        url = f"http://{gateway.http_address}"
        async with aiohttp.ClientSession(url) as http:
            sdk = ollama.AsyncClient(url)
            try:
                yield Front(sdk, http, url, own, foreign)
            finally:
                await sdk.close()


def _resources(own: str, foreign: str) -> list[Resource]:
    capped = RouteTarget(model="models/own", overrides=RequestOverrides(max_output_tokens=5))
    either = (RouteTarget(model="models/own"), RouteTarget(model="models/foreign"))
    return [
        catalogs.model("own", original_ids=("own:latest", "Org/Own"), **_FACTS),
        catalogs.endpoint("a", own, model="own", communication=_CHAT, quantization="q4_0"),
        catalogs.model("foreign"),
        catalogs.endpoint("a", foreign, model="foreign"),
        catalogs.model("e-own", output_modalities=(Modality.EMBEDDING,)),
        catalogs.endpoint("a", own, model="e-own", communication=_EMBED),
        catalogs.model("e-foreign", output_modalities=(Modality.EMBEDDING,)),
        catalogs.endpoint("a", foreign, model="e-foreign", communication=catalogs.OPEN_EMBEDDINGS),
        catalogs.model("nobody"),
        catalogs.route("capped", tiers=(RouteTier((capped,)),)),
        catalogs.route("both", tiers=tuple(RouteTier((target,)) for target in either)),
    ]


def asked(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": ASK, "stream": False, **fields}


def lines_of(data: bytes) -> list[Any]:
    assert data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


async def talk(front: Front, model: str, *, stream: bool, **options: Any) -> Any:
    """Return the whole answer of a conversation, put together as callers of the SDK do."""
    options = {"messages": ASK, **options}
    if not stream:
        return await front.sdk.chat(model, **options)
    parts = [part async for part in await front.sdk.chat(model, stream=True, **options)]
    assert [part.done for part in parts] == [*[False] * (len(parts) - 1), True]
    last = parts[-1]
    last.message.content = "".join(part.message.content or "" for part in parts)
    last.message.thinking = "".join(part.message.thinking or "" for part in parts) or None
    last.message.tool_calls = [call for part in parts for call in part.message.tool_calls or ()] or None
    return last
