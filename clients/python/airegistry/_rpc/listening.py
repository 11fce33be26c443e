"""Where a server may listen, and what is said when it cannot."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from airegistry._rpc.process import SettingsError, StartError

_MAX_PORT = 65535


class ListenError(StartError):
    """The address cannot be listened on; the message names it and says why."""

    def __init__(self, message: str, address: str) -> None:
        super().__init__(message)
        self.address = address


class UnfitAddressError(ListenError):
    """No server may listen there, or none can, whoever else does."""

    exit_code = SettingsError.exit_code


@contextmanager
def naming(settings: Mapping[str, str]) -> Iterator[None]:
    """Let a ListenError out of the block name the setting that has its address; *settings* are addresses by name."""
    try:
        yield
    except ListenError as error:
        names = [name for name, address in settings.items() if address == error.address]
        if not names:
            raise
        raise type(error)(f"{' and '.join(names)}: {error}", error.address) from error


def listen_on(address: str, *, insecure: bool = False) -> socket.socket:
    """Return a socket bound to `host:port`; port 0 takes a free one.

    Without transport security and keys, only loopback is let through unless *insecure* says that an open server is meant.
    """
    host, port = allowed(address, insecure=insecure)
    try:
        return socket.create_server((host, port), family=_family(host))
    except OSError as error:
        raise _taken(address, error) from error


def bind_shared(address: str, *, insecure: bool = False) -> socket.socket:
    """Return a socket that keeps `host:port` for servers of this user that share it; it does not listen itself."""
    place = allowed(address, insecure=insecure)
    bound = socket.socket(_family(place[0]), socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # A named port may have connections of an earlier server that the kernel still remembers; a free one must not be
        # one that somebody else keeps in the same way.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(place[1] != 0))
        bound.bind(place)
    except OSError as error:
        bound.close()
        raise _taken(address, error) from error
    return bound


def listen_shared(address: str, *, insecure: bool = False) -> socket.socket:
    """Return a socket that listens on `host:port` beside those of other processes of this user: each gets its share."""
    listener = bind_shared(address, insecure=insecure)
    listener.listen()
    return listener


def allowed(address: str, *, insecure: bool) -> tuple[str, int]:
    """Return host and port of an address that may be listened on, or raise ListenError."""
    host, port = split_address(address)
    if not insecure and not is_loopback(host):
        raise UnfitAddressError(
            f"refusing to listen on {address}: whoever reaches it could call, so that only loopback is safe; let clients show "
            "certificates (AIREGISTRY_TLS_CLIENT_CA_FILE), or say --insecure, or set AIREGISTRY_INSECURE=true, if an open "
            "server is meant",
            address,
        )
    return host, port


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of `host:port` or `[v6]:port`."""
    host, colon, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > _MAX_PORT:
        raise UnfitAddressError(f"cannot listen on {address!r}: it must be host:port, such as 127.0.0.1:50051", address)
    return host, int(port)


def join_address(host: str, port: int) -> str:
    """Return `host:port`, with brackets around an IPv6 host."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Say whether *host* can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _taken(address: str, error: OSError) -> ListenError:
    # create_server puts the address into the message; the number gives the plain words.
    reason = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)
    return ListenError(f"cannot listen on {address}: {reason}", address)
