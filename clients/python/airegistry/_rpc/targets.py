"""What gRPC has to be told to reach any of several servers."""

from __future__ import annotations

import ipaddress

from airegistry.errors import InvalidArgumentError

_LISTS = ("ipv4:", "ipv6:")
_MAX_PORT = 65535

_Place = tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]


def target_of(address: str) -> str:
    """Return the gRPC target of *address*: `host:port` or any target stays what it is; several `ip:port` become one.

    Raises InvalidArgumentError for names in a list: gRPC looks one name up again and again, and a list not at all.
    """
    if "," not in address or address.startswith(_LISTS):
        return address
    places = [_place(part.strip()) for part in address.split(",")]
    if all(ip.version == 4 for ip, _ in places):  # noqa: PLR2004 - of IP
        return "ipv4:" + ",".join(f"{ip}:{port}" for ip, port in places)
    # A list has one family, but the newer one has a place for the older.
    return "ipv6:" + ",".join(
        f"[::ffff:{ip}]:{port}" if isinstance(ip, ipaddress.IPv4Address) else f"[{ip}]:{port}" for ip, port in places
    )


def _place(text: str) -> _Place:
    host, _, port = text.rpartition(":")
    try:
        # Servers that listen on localhost do so by the older family.
        ip = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]"))
    except ValueError:
        ip = None
    if ip is None or not port.isascii() or not port.isdigit() or int(port) > _MAX_PORT:
        raise InvalidArgumentError(
            f"{text!r} cannot be one of several addresses: it must be ip:port. Servers by name need one name that has all "
            "their addresses, such as dns:///registry:50051"
        )
    return ip, int(port)
