"""httpx2, the continuation of httpx."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.util import find_spec

import httpx2

from benchmarks.http_clients.clients.port import HEADERS, Answer, Options, UnsupportedError
from benchmarks.http_clients.clients.with_aiohttp import context_of


class Httpx2:
    """A client that takes nothing from the environment."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def whole(self, url: str, body: bytes) -> Answer:
        response = await self._client.post(url, content=body, headers=HEADERS)
        return Answer(response.status_code, response.content)

    async def pieces(self, url: str, body: bytes) -> AsyncIterator[bytes]:
        async with self._client.stream("POST", url, content=body, headers=HEADERS) as response:
            async for piece in response.aiter_raw():
                yield piece

    async def close(self) -> None:
        await self._client.aclose()


async def opened(options: Options) -> Httpx2:
    if options.no_proxy:
        raise UnsupportedError("only by patterns of one's own")
    if options.http2 and find_spec("h2") is None:
        raise UnsupportedError("only with h2, an extra")
    client = httpx2.AsyncClient(
        verify=context_of(options),
        http2=options.http2,
        proxy=options.proxy or None,
        timeout=httpx2.Timeout(None, connect=options.connect_timeout),
        limits=httpx2.Limits(
            max_connections=options.connections, max_keepalive_connections=options.connections, keepalive_expiry=30.0
        ),
        trust_env=False,
    )
    return Httpx2(client)
