"""aiohttp, the client that the gateway had before."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import aiohttp

from benchmarks.http_clients.clients.port import HEADERS, Answer, Options, UnsupportedError


class Aiohttp:
    """A session that keeps no cookies and decompresses nothing."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def whole(self, url: str, body: bytes) -> Answer:
        async with self._session.post(url, data=body, headers=HEADERS, allow_redirects=False) as response:
            return Answer(response.status, await response.read())

    async def pieces(self, url: str, body: bytes) -> AsyncIterator[bytes]:
        async with self._session.post(url, data=body, headers=HEADERS, allow_redirects=False) as response:
            async for piece in response.content.iter_any():
                yield piece

    async def close(self) -> None:
        await self._session.close()


async def opened(options: Options) -> Aiohttp:
    if options.http2:
        raise UnsupportedError("HTTP/1.1 only")
    if options.no_proxy:
        raise UnsupportedError("only with the environment's proxies")
    connector = aiohttp.TCPConnector(limit=options.connections, ssl=context_of(options))
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=options.connect_timeout),
        proxy=options.proxy or None,
    )
    return Aiohttp(session)


def context_of(options: Options) -> ssl.SSLContext:
    """Return whom a client trusts, and who it is."""
    context = ssl.create_default_context()
    if options.ca_file is not None:
        context.load_verify_locations(options.ca_file)
    if options.certificate is not None:
        context.load_cert_chain(options.certificate, options.key)
    return context
