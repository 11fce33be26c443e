"""HTTP to providers: the one module that opens sockets to them."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from airegistry.dialects.exchange import HttpCall
from airegistry.errors import (
    MalformedAnswerError,
    ProviderConnectionError,
    ProviderCredentialError,
    ProviderError,
    ProviderTimeoutError,
)
from airegistry.invoke.credentials import KeyPair
from airegistry.invoke.transport_tls import TlsContexts
from airegistry.routing.error_classes import RESET

_DRAIN = 0.02
_MAX_ERROR_BYTES = 64 * 1024
_ONE_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """Bounds of what is kept open and what is taken in."""

    max_connections: int = 2_000
    keep_alive: float = 30.0
    max_answer_bytes: int = 32 * 1024 * 1024
    max_stream_bytes: int = 256 * 1024 * 1024
    max_header_bytes: int = 16 * 1024
    ca_file: Path | None = None
    """Certificates that are trusted beside those of this machine."""


class Reply:
    """A provider's answer: status and headers are there, the body comes as it is read. Header names are lower case."""

    def __init__(self, response: aiohttp.ClientResponse, settings: TransportSettings) -> None:
        self._response = response
        self._settings = settings
        self._taken = 0
        self.status = response.status
        self.headers: Mapping[str, str] = {key.lower(): value for key, value in response.headers.items()}

    async def chunk(self) -> bytes:
        """Return all bytes that are ready, waiting for the first; empty at the end. May be cancelled and called again."""
        with _mapped():
            data = await self._response.content.readany()
        self._taken += len(data)
        if self._taken > self._settings.max_stream_bytes:
            raise MalformedAnswerError(f"the answer has more than {self._settings.max_stream_bytes} bytes")
        return data

    async def body(self) -> bytes:
        """Return the whole body."""
        most = self._settings.max_answer_bytes
        parts = [part async for part in self._parts(most)]
        if self._taken > most:
            raise MalformedAnswerError(f"the answer has more than {most} bytes")
        return b"".join(parts)

    async def beginning(self) -> bytes:
        """Return as much of the body as an error needs."""
        parts = [part async for part in self._parts(_MAX_ERROR_BYTES)]
        return b"".join(parts)[:_MAX_ERROR_BYTES]

    async def drain(self) -> None:
        """Take what little is left of a whole answer, so that its connection can serve another call."""
        try:
            async with asyncio.timeout(_DRAIN):
                while await self.chunk():
                    pass
        except (TimeoutError, ProviderError):
            # Then it is closed instead; the answer was whole.
            pass

    async def _parts(self, most: int) -> AsyncIterator[bytes]:
        while self._taken <= most and (part := await self.chunk()):
            yield part


class Transport:
    """Pooled connections to providers. Follows no redirect, reads no proxy from the environment, keeps no cookies."""

    def __init__(self, session: aiohttp.ClientSession, settings: TransportSettings) -> None:
        self._session = session
        self._settings = settings
        self._tls = TlsContexts(settings.ca_file)

    @asynccontextmanager
    async def send(
        self, call: HttpCall, *, connect_timeout: float, identity: KeyPair | None = None
    ) -> AsyncIterator[Reply]:
        """Send a request and lend the reply. Its connection is closed on the way out unless the body was read to its end.

        Connections are shared by those of the same *identity* only. Raises ProviderConnectionError and
        ProviderTimeoutError, whatever the HTTP library raises; ProviderCredentialError for a key pair that is none.
        """
        tls = self._tls_for(call, identity)
        with _mapped():
            response = await self._session.request(
                call.method,
                URL(call.url, encoded=True),
                data=_body(call.body),
                headers={"accept-encoding": "identity", **call.headers},
                ssl=tls,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=connect_timeout, sock_connect=connect_timeout),
            )
        try:
            yield Reply(response, self._settings)
        finally:
            # At the end of a body the connection went back to the pool already; else this cuts it at once.
            response.close()

    def _tls_for(self, call: HttpCall, identity: KeyPair | None) -> ssl.SSLContext | bool:
        if call.url.startswith("https:"):
            return self._tls.of(identity)
        if identity is not None:
            raise ProviderCredentialError("the endpoint's address is not https, and so takes no key pair")
        return True


@asynccontextmanager
async def open_transport(settings: TransportSettings | None = None) -> AsyncIterator[Transport]:
    """Lend a transport; all its connections are closed on the way out."""
    settings = settings or TransportSettings()
    connector = aiohttp.TCPConnector(
        limit=settings.max_connections, limit_per_host=0, keepalive_timeout=settings.keep_alive
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=settings.max_header_bytes,
        max_field_size=settings.max_header_bytes,
        trust_env=False,
    ) as session:
        yield Transport(session, settings)


def _body(data: bytes) -> bytes | io.BytesIO:
    # A large body as one piece would keep the loop from everybody else.
    return data if len(data) <= _ONE_PIECE else io.BytesIO(data)


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        # Other texts and causes may hold the URL or the headers, and with them a credential.
        raise provider_error(error) from (error if isinstance(error, OSError) else None)


def provider_error(error: Exception) -> ProviderError:
    """Return what an exception of the HTTP library means."""
    return next(meaning(error) for classes, meaning in _MEANINGS if isinstance(error, classes))


def _reset(message: str) -> ProviderConnectionError:
    return ProviderConnectionError(message, metadata={"connection": RESET})


def _refused(error: aiohttp.ClientConnectorError) -> ProviderConnectionError:
    reason = error.os_error.strerror or type(error.os_error).__name__
    return ProviderConnectionError(f"cannot connect to {error.host}:{error.port}: {reason}")


def _unknown_name(error: aiohttp.ClientConnectorDNSError) -> ProviderConnectionError:
    return ProviderConnectionError(f"cannot connect to {error.host}:{error.port}: the name is not known")


def _untrusted(error: aiohttp.ClientConnectorCertificateError) -> ProviderConnectionError:
    why = getattr(error.certificate_error, "verify_message", "") or "it is not valid"
    return ProviderConnectionError(f"cannot trust the certificate of {error.host}:{error.port}: {why}")


def _no_tls(error: Exception) -> ProviderConnectionError:
    """Return what an alert of the other side, or what is no TLS at all, means: another attempt would end the same."""
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    reason = inner.reason if isinstance(inner, ssl.SSLError) else None
    return ProviderConnectionError(f"TLS failed: {(reason or 'no reason given').lower().replace('_', ' ')}")


def _uncallable(_error: Exception) -> ProviderConnectionError:
    return ProviderConnectionError("the endpoint's address or headers cannot be called")


# The first that fits decides. No text of a stranger gets in: it may hold the URL or the headers, and so a credential.
_MEANINGS: tuple[tuple[tuple[type[Exception], ...], Callable[[Any], ProviderError]], ...] = (
    ((aiohttp.ConnectionTimeoutError,), lambda _: ProviderTimeoutError("no connection within the time allowed")),
    ((TimeoutError,), lambda _: ProviderTimeoutError("no answer within the time allowed")),
    ((aiohttp.ClientConnectorDNSError,), _unknown_name),
    ((aiohttp.ClientConnectorCertificateError,), _untrusted),
    ((aiohttp.ClientConnectorSSLError, ssl.SSLError), _no_tls),
    ((aiohttp.ClientConnectorError,), _refused),
    ((aiohttp.ServerFingerprintMismatch,), lambda _: ProviderConnectionError("another certificate than expected")),
    ((aiohttp.ClientPayloadError,), lambda _: _reset("the connection broke in the middle of the answer")),
    ((aiohttp.InvalidURL,), _uncallable),
    ((aiohttp.ClientConnectionError, OSError), lambda _: _reset("the connection broke before the answer")),
    ((aiohttp.ClientResponseError,), lambda _: ProviderConnectionError("the provider does not answer in proper HTTP")),
    ((Exception,), _uncallable),
)
