"""What the demo backend is asked, by the official OpenAI SDK and by plain HTTP for what the SDK would not send or not show."""

import json
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import openai

from demo_backend.cards import CHAT, EMBEDDING
from demo_backend.settings import Settings

FAST = Settings(port=0, token_delay=0.0, drain=0.0)
ASK: Mapping[str, Any] = {
    "model": CHAT.id,
    "messages": [{"role": "user", "content": "Explain dictionaries"}],
    "seed": 7,
    "max_tokens": 30,
}
EMBED: Mapping[str, Any] = {"model": EMBEDDING.id, "input": "a dictionary of keys and values"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


class Http:
    """HTTP without the SDK, for what the SDK would not send or not show."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def request(self, method: str, path: str, body: object = None) -> Reply:
        data = json.dumps(body) if isinstance(body, Mapping) else body
        async with self._session.request(method, self._url + path, data=data) as reply:
            return Reply(reply.status, reply.headers, await reply.text())

    async def get(self, path: str) -> Reply:
        return await self.request("GET", path)

    async def post(self, path: str, body: object) -> Reply:
        return await self.request("POST", path, body)


@asynccontextmanager
async def open_http(url: str):
    async with aiohttp.ClientSession() as session:
        yield Http(url, session)


@asynccontextmanager
async def connect(url: str):
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        yield client


async def texts_of(stream: Any) -> str:
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


def chat(**changed: Any) -> dict[str, Any]:
    return {**ASK, **changed}
