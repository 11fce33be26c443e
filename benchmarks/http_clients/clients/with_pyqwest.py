"""pyqwest: bindings to Rust's reqwest by the author of pyvoy, on threads of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

from pyqwest import Client, HTTPTransport, HTTPVersion, Proxy

from benchmarks.http_clients.clients.port import HEADERS, Answer, Options


class Pyqwest:
    """A client over a transport; any other transport, such as Envoy's, goes as well."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def whole(self, url: str, body: bytes) -> Answer:
        response = await self._client.post(url, HEADERS, body)
        return Answer(response.status, bytes(response.content))

    async def pieces(self, url: str, body: bytes) -> AsyncIterator[bytes]:
        async with self._client.stream("POST", url, HEADERS, body) as response:
            async for piece in response.content:
                yield bytes(piece)

    async def close(self) -> None:
        """Nothing: it has no way to be closed, and lets go of its connections when nobody holds it."""


async def opened(options: Options) -> Pyqwest:
    pair = (options.key, options.certificate)
    key, certificate = (file.read_bytes() if file is not None else None for file in pair)
    # Without one, those of the environment hold: there is no way to say that none does.
    proxy = Proxy(options.proxy, no_proxy=options.no_proxy or None) if options.proxy else None
    transport = HTTPTransport(
        tls_ca_cert=options.ca_file.read_bytes() if options.ca_file is not None else None,
        tls_include_system_certs=True,
        tls_key=key,
        tls_cert=certificate,
        http_version=None if options.http2 else HTTPVersion.HTTP1,
        proxy=proxy,
        connect_timeout=options.connect_timeout,
        pool_max_idle_per_host=options.connections,
        max_connections_per_address=options.connections,
        enable_gzip=False,
        enable_brotli=False,
        enable_zstd=False,
        follow_redirects=False,
        enable_otel=False,
    )
    return Pyqwest(Client(transport))
