"""The transport as calls see it: a request out, by HTTP or gRPC, and the reply lent until it is read."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from airegistry.dialects.exchange import GrpcCall, HttpCall
from airegistry.errors import MalformedAnswerError, ProviderCredentialError, ProviderError
from airegistry.invoke.credentials import KeyPair
from airegistry.invoke.transport.address import Address, address_of, head_of
from airegistry.invoke.transport.connection import Connection
from airegistry.invoke.transport.grpc_calls import GrpcTransport
from airegistry.invoke.transport.grpc_reply import GrpcSettings
from airegistry.invoke.transport.inflating import inflater
from airegistry.invoke.transport.pool import Pool
from airegistry.invoke.transport.proxies import Proxies
from airegistry.invoke.transport.tls import TlsContexts
from airegistry.invoke.transport.tunnel import REFUSED, refused

_DRAIN = 0.02
_MAX_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """Bounds of what is kept open and what is taken in."""

    max_connections: int = 2_000
    max_channels: int = 256
    """Addresses and identities at most that gRPC is spoken with at once."""
    keep_alive: float = 30.0
    max_answer_bytes: int = 32 * 1024 * 1024
    max_stream_bytes: int = 256 * 1024 * 1024
    max_header_bytes: int = 16 * 1024
    ca_file: Path | None = None
    """Certificates that are trusted beside those of this machine."""
    proxies: Proxies | None = None
    """Through whom providers are called. None: each is called itself."""


class Reply(Protocol):
    """A provider's answer: status and headers are there, the body comes as it is read. Header names are lower case."""

    status: int
    headers: Mapping[str, str]

    async def chunk(self) -> bytes:
        """Return all bytes that are ready, waiting for the first; empty at the end. May be cancelled and called again."""
        ...

    async def body(self) -> bytes:
        """Return the whole body."""
        ...

    async def beginning(self) -> bytes:
        """Return as much of the body as an error needs."""
        ...

    async def drain(self) -> None:
        """Take what little is left of a whole answer, so that its connection can serve another call."""
        ...


class HttpReply:
    """A Reply over HTTP."""

    def __init__(self, connection: Connection, settings: TransportSettings) -> None:
        self._connection = connection
        self._settings = settings
        self._taken = 0
        self.status = connection.status
        self.headers: Mapping[str, str] = connection.headers
        encoding = self.headers.get("content-encoding")
        self._inflater = inflater(encoding) if encoding else None

    async def chunk(self) -> bytes:
        """Return all bytes that are ready, waiting for the first; empty at the end. May be cancelled and called again."""
        data = await (self._connection.read() if self._inflater is None else self._inflated())
        self._taken += len(data)
        if self._taken > self._settings.max_stream_bytes:
            raise MalformedAnswerError(f"the answer has more than {self._settings.max_stream_bytes} bytes")
        return data

    async def body(self) -> bytes:
        """Return the whole body."""
        most = self._settings.max_answer_bytes
        parts = await self._parts(most)
        if self._taken > most:
            raise MalformedAnswerError(f"the answer has more than {most} bytes")
        return b"".join(parts)

    async def beginning(self) -> bytes:
        """Return as much of the body as an error needs; nothing of one that cannot be read, for its status says enough."""
        try:
            return b"".join(await self._parts(_MAX_ERROR_BYTES))[:_MAX_ERROR_BYTES]
        except MalformedAnswerError:
            return b""

    async def drain(self) -> None:
        """Take what little is left of a whole answer, so that its connection can serve another call."""
        if self._connection.complete:
            return
        try:
            async with asyncio.timeout(_DRAIN):
                while await self.chunk():
                    pass
        except (TimeoutError, ProviderError):
            # Then it is closed instead; the answer was whole.
            pass

    async def _parts(self, most: int) -> list[bytes]:
        """Return the body up to its end, or to the first piece that makes it more than *most* bytes."""
        parts = []
        while self._taken <= most and (part := await self.chunk()):
            parts.append(part)
            if self._inflater is None and self._connection.read_whole:
                break
        return parts

    async def _inflated(self) -> bytes:
        assert self._inflater is not None  # noqa: S101 - the caller looked
        while True:
            compressed = self._inflater.more or await self._connection.read()
            if not compressed:
                self._inflater.close()
                return b""
            if data := self._inflater.feed(compressed):
                return data


class Transport:
    """Pooled connections to providers. Follows no redirect, asks no proxy that it was not given, keeps no cookies."""

    def __init__(self, pool: Pool, grpc: GrpcTransport, tls: TlsContexts, settings: TransportSettings) -> None:
        self._pool = pool
        self._grpc = grpc
        self._settings = settings
        self._tls = tls

    def send(
        self,
        call: HttpCall | GrpcCall,
        *,
        connect_timeout: float,
        left: float | None = None,
        identity: KeyPair | None = None,
    ) -> AbstractAsyncContextManager[Reply]:
        """Send a request and lend the reply. Its connection is closed on the way out unless the body was read to its end.

        Connections are shared by those of the same *identity* only. *left* is how many seconds the caller still has; a
        provider is told where its protocol can say so. Raises ProviderConnectionError and ProviderTimeoutError, whatever the
        sockets raise; ProviderCredentialError for a key pair that cannot be presented.
        """
        if isinstance(call, GrpcCall):
            return self._grpc.send(call, connect_timeout=connect_timeout, left=left, identity=identity)
        address = address_of(call.url, self._tls_for(call, identity), self._settings.proxies)
        return Sending(self._pool, self._settings, address, call, connect_timeout)

    def _tls_for(self, call: HttpCall, identity: KeyPair | None) -> ssl.SSLContext | None:
        if call.url.startswith("https:"):
            return self._tls.of(identity)
        if identity is not None:
            raise ProviderCredentialError("the endpoint's address is not https, and so takes no key pair")
        return None


class Sending(AbstractAsyncContextManager[HttpReply]):
    """One request and its reply. A class, because every call enters one, and a generator takes longer."""

    __slots__ = ("_address", "_call", "_connect_timeout", "_connection", "_pool", "_settings")

    def __init__(
        self, pool: Pool, settings: TransportSettings, address: Address, call: HttpCall, connect_timeout: float
    ) -> None:
        self._pool = pool
        self._settings = settings
        self._address = address
        self._call = call
        self._connect_timeout = connect_timeout

    async def __aenter__(self) -> HttpReply:
        head = head_of(self._call, self._address.forwarder)
        connection = self._pool.waiting(self._address)
        if connection is None:
            connection = await self._pool.connect(self._address, self._connect_timeout)
        self._connection = connection
        try:
            await connection.ask(head, self._call.body)
            return self._replied()
        except BaseException:
            self._pool.give(self._address, connection)
            raise

    def _replied(self) -> HttpReply:
        if self._connection.status == REFUSED and self._address.forwarder is not None:
            raise refused()
        return HttpReply(self._connection, self._settings)

    async def __aexit__(self, *_exception: object) -> None:
        self._pool.give(self._address, self._connection)


@asynccontextmanager
async def open_transport(settings: TransportSettings | None = None) -> AsyncIterator[Transport]:
    """Lend a transport; all its connections are closed on the way out."""
    settings = settings or TransportSettings()
    pool = Pool(settings.max_connections, settings.keep_alive, settings.max_header_bytes)
    tls = TlsContexts(settings.ca_file)
    grpc = GrpcTransport(
        GrpcSettings(
            max_channels=settings.max_channels,
            keep_alive=settings.keep_alive,
            max_answer_bytes=settings.max_answer_bytes,
            max_stream_bytes=settings.max_stream_bytes,
            ca_file=settings.ca_file,
            proxies=settings.proxies,
        ),
        tls,
    )
    try:
        yield Transport(pool, grpc, tls, settings)
    finally:
        await grpc.close()
        pool.close()
        # The loop lets go of the sockets in its next turn, and may have none after this.
        await asyncio.sleep(0)
