"""A gateway with the Anthropic front over one provider, and the callers of it: the official SDK and plain HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import anthropic

from airegistry.resources.endpoint import Communication
from airegistry.resources.model import ModelLimits
from airegistry.resources.route import RequestOverrides, RouteTarget, RouteTier
from tests import anthropic_provider as claude
from tests import catalogs
from tests.planes import gateway_knowing
from tests.providers import Behaviour, Provider, provider

HELLO: Any = [{"role": "user", "content": "Say something"}]
ASK: Any = {"model": "m", "max_tokens": 100, "messages": HELLO}
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@dataclass
class Front:
    sdk: Any  # anthropic.AsyncAnthropic: a test knows which of the many kinds of block it gets
    http: aiohttp.ClientSession
    up: Provider
    url: str

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body)
        async with self.http.post(path, data=data, headers=headers) as reply:
            return reply.status, await reply.json(), reply.headers


@asynccontextmanager
async def front_over(
    folder: Path,
    *behaviours: Behaviour,
    communication: Communication = catalogs.OPEN,
    facts: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Front]:
    """Run a provider, and a gateway that serves it as model `m` and behind route `r`."""
    async with provider(*behaviours) as up:
        address = up.url if communication.dialect == "openai.chat" else up.url.removesuffix("/v1")
        resources = [
            catalogs.model("m", display_name="Em", limits=ModelLimits(context_tokens=1000, max_output_tokens=200)),
            catalogs.endpoint("a", address, communication=communication, prices=catalogs.PRICES, **(facts or {})),
            catalogs.model("nobody"),
            catalogs.route(
                "r",
                tiers=(
                    RouteTier((RouteTarget(model="models/m", overrides=RequestOverrides(reasoning_effort="low")),)),
                ),
            ),
        ]
        async with gateway_knowing(folder, resources, **settings) as gateway:
            url = f"http://{gateway.http_address}"
            async with (
                anthropic.AsyncAnthropic(base_url=url, api_key="none", max_retries=0) as sdk,
                aiohttp.ClientSession(url) as http,
            ):
                yield Front(sdk, http, up, url)


def over_claude(folder: Path, *behaviours: Behaviour, **settings: Any) -> AbstractAsyncContextManager[Front]:
    """Run it over a provider of the same format."""
    return front_over(folder, *(behaviours or (claude.ok,)), communication=claude.OPEN, **settings)
