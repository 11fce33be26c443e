"""A gateway's Responses front over a provider of either of OpenAI's formats, and the official SDK to ask it."""

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import openai

from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.route import RequestOverrides, RouteTarget, RouteTier
from tests import catalogs
from tests.planes import gateway_knowing
from tests.providers import Provider, provider

SPEAKS_RESPONSES = Communication(dialect="openai.responses", auth=Auth(AuthMethod.NONE))
TOOL: Any = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
CHAT: Any = {"model": "m", "input": "Say something"}
SAME: Any = {"model": "same", "input": "Say something"}


@dataclass
class Front:
    sdk: openai.AsyncOpenAI
    http: aiohttp.ClientSession
    up: Provider

    async def post(self, body: Any) -> tuple[int, Any]:
        async with self.http.post("/v1/responses", data=json.dumps(body)) as reply:
            return reply.status, await reply.json()


@asynccontextmanager
async def front_over(folder, *behaviours):
    """Run a provider, and a gateway that serves it as model `m` in chat completions and as model `same` in responses.

    Route `either` tries them in that order, route `capped` limits what it asks of `same`.
    """
    async with provider(*behaviours) as up:
        overrides = RequestOverrides(max_output_tokens=7, reasoning_effort="low")
        resources = [
            *catalogs.served(up.url),
            catalogs.model("same"),
            catalogs.endpoint("a", up.url, model="same", communication=SPEAKS_RESPONSES, prices=catalogs.PRICES),
            catalogs.route(
                "either",
                tiers=(RouteTier((RouteTarget(model="models/m"),)), RouteTier((RouteTarget(model="models/same"),))),
            ),
            catalogs.route("capped", tiers=(RouteTier((RouteTarget(model="models/same", overrides=overrides),)),)),
        ]
        async with gateway_knowing(folder, resources) as gateway:
            url = f"http://{gateway.http_address}"
            async with (
                openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as sdk,
                aiohttp.ClientSession(url) as http,
            ):
                yield Front(sdk, http, up)


async def streamed(front, **asked):
    async with front.sdk.responses.stream(**asked) as stream:
        events = [event async for event in stream]
        return events, await stream.get_final_response()
