"""Asking an HTTP proxy for a way to a provider, on which TLS is spoken with the provider itself."""

from __future__ import annotations

import asyncio
import re
import socket

from airegistry.errors import ProviderConnectionError
from airegistry.invoke.transport.address import Address
from airegistry.invoke.transport.proxies import Proxy

_MOST = 16 * 1024
_PIECE = 4096
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_OPENED = range(200, 300)
REFUSED = 407


def refused() -> ProviderConnectionError:
    """Return the error for a proxy that wants another user or password."""
    return ProviderConnectionError("the proxy does not take the credentials that it was given")


async def open_tunnel(sock: socket.socket, address: Address, proxy: Proxy) -> None:
    """Have the proxy at the other end of *sock* connect to a provider. Raises ProviderConnectionError when it does not."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, _request(address, proxy))
    head = b""
    while b"\r\n\r\n" not in head:
        piece = await loop.sock_recv(sock, _PIECE)
        head += piece
        if not piece:
            raise ProviderConnectionError("the proxy breaks off before it answers")
        if len(head) > _MOST:
            raise ProviderConnectionError("the proxy does not end its headers")
    status = _STATUS.match(head)
    if status is None:
        raise ProviderConnectionError("the proxy does not answer in proper HTTP")
    if int(status[1]) == REFUSED:
        raise refused()
    if int(status[1]) not in _OPENED:
        raise ProviderConnectionError(
            f"the proxy does not connect to {address.host}:{address.port}: it answers {int(status[1])}"
        )
    if head.partition(b"\r\n\r\n")[2]:
        # A provider says nothing before it was asked.
        raise ProviderConnectionError("the proxy says more than it was asked")


def _request(address: Address, proxy: Proxy) -> bytes:
    host = f"[{address.host}]" if ":" in address.host else address.host
    lines = [f"CONNECT {host}:{address.port} HTTP/1.1", f"host: {host}:{address.port}"]
    if proxy.authorization:
        lines.append(f"proxy-authorization: {proxy.authorization}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
