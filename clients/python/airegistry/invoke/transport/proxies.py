"""Through whom providers are called: HTTP proxies, and who is called without one."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, urlsplit

LOCAL: Final = "localhost,127.0.0.0/8,::1"
"""Whom no proxy is asked for unless somebody says so: a proxy's own machine is another one."""

_PORT: Final = 80
_KEPT: Final = 1024
_HOST: Final = re.compile(r"[\x21-\x7e]+")
_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_WITH_PORT: Final = re.compile(r"\[(?P<v6>[^\]]*)\](:(?P<p6>\d+))?|(?P<host>[^:]*):(?P<port>\d+)")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. No text form shows what it is asked with."""

    host: str
    port: int
    url: str = field(repr=False)
    authorization: str = field(default="", repr=False)
    """What `Proxy-Authorization` says; empty: nothing."""


@dataclass(frozen=True, slots=True)
class Direct:
    """Whom a proxy is not asked for: a name with all below it, a network, or everybody. A port of None is any."""

    name: str = ""
    network: _Network | None = None
    port: int | None = None

    def holds(self, host: str, port: int) -> bool:
        """Say whether *host*, in lower case, is meant."""
        if self.port not in (None, port):
            return False
        if self.network is not None:
            return _is_in(host, self.network)
        return not self.name or host == self.name or host.endswith(f".{self.name}")


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxy for providers without TLS and the one for those with it, and whom neither is asked for."""

    plain: Proxy | None = None
    secure: Proxy | None = None
    direct: tuple[Direct, ...] = ()

    def to(self, host: str, port: int, *, secure: bool) -> Proxy | None:
        """Return the proxy by which a provider is called; None where it is called without."""
        return _way(self, host, port, secure)


@lru_cache(_KEPT)
def _way(proxies: Proxies, host: str, port: int, secure: bool) -> Proxy | None:  # noqa: FBT001 - a key of the cache
    proxy = proxies.secure if secure else proxies.plain
    named = host.lower().rstrip(".")
    return None if any(each.holds(named, port) for each in proxies.direct) else proxy


def one_proxy(url: str, direct: str = LOCAL) -> Proxies:
    """Return one proxy for every provider but those that *direct* lists. Raises ValueError, which quotes nothing."""
    proxy = proxy_at(url)
    return Proxies(proxy, proxy, tuple(listed(direct)))


def proxies_of(environment: Mapping[str, str], direct: str = LOCAL) -> Proxies:
    """Return what HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say, in lower case or capitals, beside *direct*.

    Raises ValueError, which names the variable.
    """
    plain, secure, both, exceptions = (
        _variable(environment, name) for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    )
    return Proxies(
        _told("HTTP_PROXY", plain or both),
        _told("HTTPS_PROXY", secure or both),
        (*listed(direct), *listed(exceptions)),
    )


def proxy_at(url: str) -> Proxy:
    """Return the proxy at `http://[user:password@]host[:port]`. Raises ValueError, which does not quote it."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port or _PORT
    except ValueError:
        raise ValueError("is not the URL of a proxy") from None
    if parts.scheme != "http":
        raise ValueError("must be the URL of an HTTP proxy, which begins with http://; others are not spoken with")
    if not _HOST.fullmatch(host) or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("is not the URL of a proxy: http://host:port, or http://user:password@host:port")
    return Proxy(host, port, url if "://" in url else f"http://{url}", _basic(parts.username, parts.password))


def listed(text: str) -> Iterator[Direct]:
    """Read a list with commas: `example.com` with all below it, `10.0.0.0/8`, `::1`, `host:8080`, `*`. Raises ValueError."""
    for entry in text.lower().split(","):
        if entry := entry.strip():
            yield _read(entry)


def _read(entry: str) -> Direct:
    if entry == "*":
        return Direct()
    if (network := _network(entry)) is not None:
        return Direct(network=network)
    host, port = entry, None
    if (parts := _WITH_PORT.fullmatch(entry)) is not None:
        host = parts["v6"] or parts["host"] or ""
        port = int(said) if (said := parts["p6"] or parts["port"]) else None
    if (network := _network(host)) is not None:
        return Direct(network=network, port=port)
    name = host.removeprefix("*").strip(".")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{entry!r} is no name, address or network that is called without a proxy")
    return Direct(name, port=port)


def _network(text: str) -> _Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _is_in(host: str, network: _Network) -> bool:
    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False


def _basic(user: str | None, password: str | None) -> str:
    if user is None:
        return ""
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _variable(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name.lower()) or environment.get(name, "")


def _told(name: str, url: str) -> Proxy | None:
    try:
        return proxy_at(url) if url else None
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
