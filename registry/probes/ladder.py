"""One probe: from the first step to the highest that is allowed, or to the first that is not good."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from airegistry.invoke.credentials import Credentials
from airegistry.invoke.transport import Transport, TransportSettings, open_transport
from airegistry.resources.endpoint import Endpoint, ProbeStep
from registry.probes import health_calls, sockets, tiny_request
from registry.probes.climb import Climb, Finding, Level, Rung
from registry.probes.sockets import ProtocolError
from registry.probes.target import Place

CONNECT_TIMEOUT = 3.0
TIMEOUT = 10.0
"""Seconds that the connection, and the whole probe, may take."""

_SETTINGS = TransportSettings(keep_alive=1.0, max_answer_bytes=256 * 1024)


class Ladder:
    """Probes endpoints, any number at once. Connections are made for each probe, and never through a proxy."""

    def __init__(self, transport: Transport, credentials: Credentials, tls: ssl.SSLContext) -> None:
        self._transport = transport
        self._credentials = credentials
        self._tls = tls

    async def climb(self, place: Place, endpoint: Endpoint, highest: ProbeStep) -> Climb:
        """Probe *endpoint* at *place*, up to *highest*."""
        ends = time.monotonic() + TIMEOUT
        rungs: list[Rung] = []
        # The lower steps share a connection; the others have to make their own.
        with _Line(place, self._tls) as line:
            for step in ProbeStep:
                if step > highest:
                    break
                began = time.monotonic()
                finding = await self._step(step, line, endpoint, max(0.0, ends - began))
                rungs.append(Rung(step, finding, time.monotonic() - began))
                if finding.level is not Level.GOOD:
                    break
        return Climb(tuple(rungs))

    async def _step(self, step: ProbeStep, line: _Line, endpoint: Endpoint, left: float) -> Finding:
        wait = min(CONNECT_TIMEOUT, left) if step is ProbeStep.CONNECT else left
        try:
            async with asyncio.timeout(wait):
                return await self._tried(step, line, endpoint)
        except TimeoutError:
            return _late(step)

    async def _tried(self, step: ProbeStep, line: _Line, endpoint: Endpoint) -> Finding:
        match step:
            case ProbeStep.CONNECT:
                return await line.connect()
            case ProbeStep.HANDSHAKE:
                return await line.handshake()
            case ProbeStep.HEALTH:
                line.close()
                if line.place.scheme in ("grpc", "grpcs"):
                    return await health_calls.ask_grpc(line.place)
                return await health_calls.ask_http(endpoint, self._transport, self._credentials, wait=CONNECT_TIMEOUT)
            case ProbeStep.REQUEST:
                return await tiny_request.send(endpoint, self._transport, self._credentials, wait=CONNECT_TIMEOUT)


@asynccontextmanager
async def open_ladder(
    *, credentials: Credentials | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Ladder]:
    """Lend a ladder.

    Without *credentials* no secret is ever sent. *tls* says whose certificates are trusted: those that this machine trusts.
    """
    known = credentials or Credentials(directory=None, environment={}, now=time.monotonic)
    async with open_transport(_SETTINGS) as transport:
        yield Ladder(transport, known, tls or ssl.create_default_context())


class _Line:
    """The bare connection of one probe."""

    def __init__(self, place: Place, tls: ssl.SSLContext) -> None:
        self.place = place
        self._tls = tls
        self._sock: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()

    async def connect(self) -> Finding:
        try:
            self._sock = await sockets.connect(self.place.host, self.place.port)
        except (OSError, UnicodeError) as error:
            return Finding(Level.BAD, f"cannot connect to {self.place.authority}: {_words(error)}")
        return Finding(Level.GOOD, "accepts connections", reached=True)

    async def handshake(self) -> Finding:
        if self._sock is None:
            return Finding(Level.BAD, "there is no connection")
        try:
            await sockets.handshake(self._sock, self.place, self._tls)
        except ProtocolError as error:
            return Finding(Level.BAD, str(error))
        except (OSError, UnicodeError) as error:
            return Finding(Level.BAD, f"the handshake fails: {_words(error)}")
        return Finding(Level.GOOD, _HANDSHAKES[self.place.scheme], reached=True)


_HANDSHAKES = {
    "https": "completes the TLS handshake",
    "grpcs": "completes the TLS handshake",
    "http": "answers in HTTP",
    "grpc": "answers in HTTP/2",
}


def _late(step: ProbeStep) -> Finding:
    if step is ProbeStep.CONNECT:
        return Finding(Level.BAD, f"no connection within {CONNECT_TIMEOUT:g} s")
    if step is ProbeStep.REQUEST:
        # A model may be slow and still serve; that it answers at all was seen before.
        return Finding(Level.POOR, f"no answer to a tiny request within the {TIMEOUT:g} s of a probe")
    return Finding(Level.BAD, f"connects, and then says nothing within the {TIMEOUT:g} s of a probe")


def _words(error: OSError | UnicodeError) -> str:
    """Return what went wrong in our own words or in those of this system, never in a peer's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no TLS").lower().replace("_", " ")
    if isinstance(error, socket.gaierror):
        return "the name is not known"
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno).lower()
    return "the address cannot be used"
