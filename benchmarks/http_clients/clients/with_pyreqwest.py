"""pyreqwest: bindings to Rust's reqwest, on a thread of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from pyreqwest.client import ClientBuilder
from pyreqwest.proxy import ProxyBuilder

from benchmarks.http_clients.clients.port import HEADERS, Answer, Options


class Pyreqwest:
    """A client whose whole answers it collects by itself, however large they are."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def whole(self, url: str, body: bytes) -> Answer:
        response = await self._client.post(url).headers(HEADERS).body_bytes(body).build().send()
        return Answer(response.status, (await response.bytes()).to_bytes())

    async def pieces(self, url: str, body: bytes) -> AsyncIterator[bytes]:
        request = self._client.post(url).headers(HEADERS).body_bytes(body)
        # Otherwise nothing is there to read before 64 KiB are, or all.
        async with request.streamed_read_buffer_limit(0).build_streamed() as response:
            while (piece := await response.body_reader.read_chunk()) is not None:
                yield piece.to_bytes()

    async def close(self) -> None:
        await self._client.close()


def built(options: Options) -> Any:
    builder: Any = ClientBuilder().connect_timeout(timedelta(seconds=options.connect_timeout))
    builder = builder.max_connections(options.connections).follow_redirects(False).gzip(False).deflate(False)
    builder = builder.brotli(False).zstd(False).no_proxy()
    if options.http2:
        builder = builder.http2(True)
    if options.ca_file is not None:
        builder = builder.add_root_certificate_pem(options.ca_file.read_bytes())
    if options.certificate is not None and options.key is not None:
        builder = builder.identity_pem(options.key.read_bytes() + options.certificate.read_bytes())
    if options.proxy:
        builder = builder.proxy(ProxyBuilder.all(options.proxy).no_proxy(options.no_proxy or None))
    return builder.build()


async def opened(options: Options) -> Pyreqwest:
    return Pyreqwest(built(options))
