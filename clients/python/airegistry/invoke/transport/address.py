"""Where a request goes, and its first lines."""

from __future__ import annotations

import re
import ssl
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from airegistry.dialects.exchange import HttpCall
from airegistry.errors import ProviderConnectionError
from airegistry.invoke.transport.proxies import Proxies, Proxy

_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(r"[\x21-\x7e]+")
_KEPT = 1024


class Address(NamedTuple):
    """Who is called, by which context (without one there is no TLS) and through whom.

    Calls to equal addresses share connections.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    proxy: Proxy | None = None

    @property
    def forwarder(self) -> Proxy | None:
        """The proxy that gets the request itself, to pass it on. With TLS it only gets to see who is called."""
        return self.proxy if self.tls is None else None


def address_of(url: str, tls: ssl.SSLContext | None, proxies: Proxies | None = None) -> Address:
    """Return whom a URL names. *tls* is for https. ProviderConnectionError when nobody can be called there."""
    host, port, _, _ = _read(url)
    if proxies is None:
        return Address(host, port, tls)
    return Address(host, port, tls, proxies.to(host, port, secure=tls is not None))


def head_of(call: HttpCall, forwarder: Proxy | None = None) -> bytes:
    """Return the request line and the headers. ProviderConnectionError when they would say something else.

    To a *forwarder* they say where the request goes, and who asks.
    """
    _, _, target, host = _read(call.url)
    if forwarder is not None:
        target = f"http://{host}{target}"
    if not _NAME.fullmatch(call.method):
        raise uncallable()
    lines = [f"{call.method} {target} HTTP/1.1\r\nhost: {host}\r\naccept-encoding: identity"]
    if forwarder is not None and forwarder.authorization:
        lines.append(f"proxy-authorization: {forwarder.authorization}")
    for name, value in call.headers.items():
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise uncallable()
        lines.append(f"{name}: {value}")
    lines.append(f"content-length: {len(call.body)}\r\n\r\n")
    return "\r\n".join(lines).encode("latin-1")


@lru_cache(_KEPT)
def _read(url: str) -> tuple[str, int, str, str]:
    """Return the host, the port, what is asked for there, and how the host is named in the request."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        # A name in another script goes on the wire in its ASCII form.
        host, named = ((text or "").encode("idna").decode() for text in (parts.hostname, parts.netloc))
    except (ValueError, KeyError):
        raise uncallable() from None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _TARGET.fullmatch(host) or parts.username is not None or not _TARGET.fullmatch(target):
        raise uncallable()
    return host, port, target, named


def uncallable() -> ProviderConnectionError:
    """Return the error for what cannot be called; it does not quote it, for it may hold a credential."""
    return ProviderConnectionError("the endpoint's address or headers cannot be called")
