"""Connections to providers: made, kept for the next call, and closed when nobody wants them."""

from __future__ import annotations

import asyncio
import math
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import aiohappyeyeballs

from airegistry.errors import ProviderConnectionError, ProviderTimeoutError
from airegistry.invoke.transport.address import Address, uncallable
from airegistry.invoke.transport.connection import Connection
from airegistry.invoke.transport.tls import tls_failed
from airegistry.invoke.transport.tunnel import open_tunnel
from airegistry.routing.error_classes import NONE_FREE

_NEXT_ADDRESS = 0.25


class Pool:
    """At most *most* connections at once. One that is idle for *keep_alive* seconds is closed."""

    def __init__(self, most: int, keep_alive: float, max_header_bytes: int) -> None:
        self._most = most
        self._keep_alive = keep_alive
        self._max_header_bytes = max_header_bytes
        self._idle: dict[Address, list[Connection]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        self._connecting = 0
        self._standing: set[Connection] = set()

    @property
    def open(self) -> int:
        """How many connections there are, with those that are being made."""
        return self._connecting + len(self._standing)

    def waiting(self, address: Address) -> Connection | None:
        """Return the connection that was used last, of those that wait for a request; None when none does."""
        idle = self._idle.get(address)
        while idle:
            connection = idle.pop()
            if connection.open:
                return connection
        return None

    async def connect(self, address: Address, connect_timeout: float) -> Connection:
        """Return a new connection that waits for a request."""
        if self.open >= self._most:
            self._close_one()
        return await self._connect(address, connect_timeout)

    def give(self, address: Address, connection: Connection) -> None:
        """Take back a connection: for the next call when its answer is over, else it is closed at once."""
        if not connection.reusable or self._closed:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.setdefault(address, []).append(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(self._keep_alive, self._sweep)

    def close(self) -> None:
        """Close all of them."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in self._standing:
            connection.abort()
        self._idle.clear()

    def _sweep(self) -> None:
        """Close those whose time is over, and look again when it is for the next."""
        loop = asyncio.get_running_loop()
        self._sweeper = None
        for address, idle in list(self._idle.items()):
            kept: list[Connection] = []
            for connection in idle:
                if connection.open and loop.time() - connection.idle_since < self._keep_alive:
                    kept.append(connection)
                else:
                    connection.abort()
            if kept:
                self._idle[address] = kept
            else:
                del self._idle[address]
        if self._idle:
            oldest = min(idle[0].idle_since for idle in self._idle.values())
            self._sweeper = loop.call_later(oldest + self._keep_alive - loop.time(), self._sweep)

    def _close_one(self) -> None:
        """Make room: whoever has been idle for longest goes. ProviderConnectionError when nobody is idle."""
        while waiting := [idle for idle in self._idle.values() if idle]:
            oldest = min(waiting, key=lambda idle: idle[0].idle_since).pop(0)
            if oldest.open:
                oldest.abort()
                return
        raise ProviderConnectionError(
            f"{self.open} connections to providers are in use; no more are made", metadata={"connection": NONE_FREE}
        )

    async def _connect(self, address: Address, connect_timeout: float) -> Connection:
        loop = asyncio.get_running_loop()
        self._connecting += 1
        try:
            with _failures_of(address):
                async with asyncio.timeout(connect_timeout if math.isfinite(connect_timeout) else None):
                    peer = address.proxy or address
                    found = await loop.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
                    sock = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=_NEXT_ADDRESS)
                    return await self._over(sock, address)
        finally:
            self._connecting -= 1

    async def _over(self, sock: socket.socket, address: Address) -> Connection:
        loop = asyncio.get_running_loop()
        name = address.host if address.tls is not None else None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.proxy is not None and address.tls is not None:
                await open_tunnel(sock, address, address.proxy)
            _, connection = await loop.create_connection(
                lambda: Connection(self._max_header_bytes, self._standing.discard),
                sock=sock,
                ssl=address.tls,
                server_hostname=name,
            )
        except BaseException:
            sock.close()
            raise
        if connection.open:
            self._standing.add(connection)
        return connection


@contextmanager
def _failures_of(address: Address) -> Iterator[None]:
    """Say in our words why no connection came to be. No text of a stranger gets in: it may hold a credential."""
    where = f"{address.host}:{address.port}"
    peer = "the proxy" if address.proxy is not None else where
    try:
        yield
    except TimeoutError:
        raise ProviderTimeoutError("no connection within the time allowed") from None
    except socket.gaierror as error:
        raise ProviderConnectionError(f"cannot connect to {peer}: the name is not known") from error
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message or "it is not valid"
        raise ProviderConnectionError(f"cannot trust the certificate of {where}: {why}") from error
    except ssl.SSLError as error:
        raise tls_failed(error) from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise ProviderConnectionError(f"cannot connect to {peer}: {reason}") from error
    except UnicodeError:
        raise uncallable() from None
