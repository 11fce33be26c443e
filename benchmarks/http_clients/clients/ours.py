"""The gateway's own: airegistry.invoke.transport."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Self

from airegistry.dialects.exchange import HttpCall
from airegistry.invoke.credentials import KeyPair
from airegistry.invoke.transport import Transport, TransportSettings, one_proxy, open_transport
from benchmarks.http_clients.clients.port import HEADERS, Answer, Options, UnsupportedError


class Ours:
    """A transport, as the engine holds one."""

    def __init__(self, options: Options) -> None:
        self._stack = AsyncExitStack()
        self._connect_timeout = options.connect_timeout
        self._settings = TransportSettings(
            max_connections=options.connections,
            ca_file=options.ca_file,
            proxies=one_proxy(options.proxy, options.no_proxy) if options.proxy else None,
        )
        self._identity: KeyPair | None = None
        if options.certificate is not None and options.key is not None:
            files = (options.certificate, options.key)
            self._identity = KeyPair(*files, *(file.read_bytes() for file in files))
        self._transport: Transport

    async def open(self) -> Self:
        self._transport = await self._stack.enter_async_context(open_transport(self._settings))
        return self

    async def whole(self, url: str, body: bytes) -> Answer:
        call = HttpCall("POST", url, HEADERS, body)
        async with self._transport.send(call, connect_timeout=self._connect_timeout, identity=self._identity) as reply:
            return Answer(reply.status, await reply.body())

    async def pieces(self, url: str, body: bytes) -> AsyncIterator[bytes]:
        call = HttpCall("POST", url, HEADERS, body)
        async with self._transport.send(call, connect_timeout=self._connect_timeout, identity=self._identity) as reply:
            while piece := await reply.chunk():
                yield piece

    async def close(self) -> None:
        await self._stack.aclose()


async def opened(options: Options) -> Ours:
    if options.http2:
        raise UnsupportedError("HTTP/1.1 only")
    return await Ours(options).open()
