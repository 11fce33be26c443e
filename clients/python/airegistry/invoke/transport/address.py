"""Where a request goes, and its first lines."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from airegistry.dialects.exchange import HttpCall
from airegistry.errors import ProviderConnectionError

_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(r"[\x21-\x7e]+")
_KEPT = 1024


class Address(NamedTuple):
    """Who is connected to, and by which context; without one there is no TLS. Calls to equal addresses share connections."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


def address_of(url: str, tls: ssl.SSLContext | None) -> Address:
    """Return whom a URL names. *tls* is for https. ProviderConnectionError when nobody can be called there."""
    host, port, _, _ = _read(url)
    return Address(host, port, tls)


def head_of(call: HttpCall) -> bytes:
    """Return the request line and the headers. ProviderConnectionError when they would say something else."""
    _, _, target, host = _read(call.url)
    if not _NAME.fullmatch(call.method):
        raise uncallable()
    lines = [f"{call.method} {target} HTTP/1.1\r\nhost: {host}\r\naccept-encoding: identity"]
    lines += _lines(call.headers)
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
    if not host or parts.username is not None or not _TARGET.fullmatch(target):
        raise uncallable()
    return host, port, target, named


def _lines(headers: Mapping[str, str]) -> list[str]:
    if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in headers.items()):
        raise uncallable()
    return [f"{name}: {value}" for name, value in headers.items()]


def uncallable() -> ProviderConnectionError:
    """Return the error for what cannot be called; it does not quote it, for it may hold a credential."""
    return ProviderConnectionError("the endpoint's address or headers cannot be called")
