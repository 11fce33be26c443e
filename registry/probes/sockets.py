"""The lower steps of the ladder, on one bare connection: TCP, then TLS or the first words of HTTP."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

from registry.probes.target import Place

_PIECE = 16 * 1024
_HTTP = b"HTTP/"
# The client's preface and an empty SETTINGS frame: RFC 9113, section 3.4.
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_FRAME_HEADER = 9
_SETTINGS = 4


class ProtocolError(Exception):
    """The peer does not speak what its address says; the message is for people."""


async def connect(host: str, port: int) -> socket.socket:
    """Return a connection, by IPv4 or IPv6, whichever answers first; OSError, or UnicodeError for a name that is none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # The first of each family: one of them may be a dead end.
    places = {family: address for family, _, _, _, address in reversed(found)}
    attempts = [asyncio.ensure_future(_connect(family, address)) for family, address in places.items()]
    winner: socket.socket | None = None
    failure = OSError("no address")
    try:
        for attempt in asyncio.as_completed(attempts):
            try:
                winner = await attempt
            except OSError as error:
                failure = error
            else:
                return winner
        raise failure
    finally:
        for one in attempts:
            one.cancel()
        for result in await asyncio.gather(*attempts, return_exceptions=True):
            if isinstance(result, socket.socket) and result is not winner:
                result.close()


async def _connect(family: int, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


async def handshake(sock: socket.socket, place: Place, tls: ssl.SSLContext) -> None:
    """Exchange what comes before any request; OSError (ssl.SSLError is one) or ProtocolError when that fails."""
    match place.scheme:
        case "https" | "grpcs":
            await _tls(sock, place.host, tls)
        case "grpc":
            await _http2(sock)
        case _:
            await _http(sock, place.authority)


async def _tls(sock: socket.socket, host: str, tls: ssl.SSLContext) -> None:
    loop = asyncio.get_running_loop()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    talk = tls.wrap_bio(incoming, outgoing, server_hostname=host)
    while True:
        try:
            talk.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            done = False
        if words := outgoing.read():
            await loop.sock_sendall(sock, words)
        if done:
            return
        if heard := await loop.sock_recv(sock, _PIECE):
            incoming.write(heard)
        else:
            incoming.write_eof()


async def _http(sock: socket.socket, authority: str) -> None:
    host = authority.encode("idna")
    request = b"HEAD / HTTP/1.1\r\nhost: %b\r\nuser-agent: airegistry-probe\r\nconnection: close\r\n\r\n" % host
    await asyncio.get_running_loop().sock_sendall(sock, request)
    if await _exactly(sock, len(_HTTP)) != _HTTP:
        raise ProtocolError("does not answer in HTTP")


async def _http2(sock: socket.socket) -> None:
    await asyncio.get_running_loop().sock_sendall(sock, _HTTP2_PREFACE)
    header = await _exactly(sock, _FRAME_HEADER)
    # A server begins with its own settings, on stream 0.
    if header[3] != _SETTINGS or any(header[5:]):
        raise ProtocolError("does not answer in HTTP/2")


async def _exactly(sock: socket.socket, size: int) -> bytes:
    heard = b""
    while len(heard) < size:
        piece = await asyncio.get_running_loop().sock_recv(sock, size - len(heard))
        if not piece:
            raise ProtocolError("closes the connection without an answer")
        heard += piece
    return heard
