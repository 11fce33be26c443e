"""What a server wants of its callers that none of them told it: of a missing certificate gRPC says that a socket closed."""

from __future__ import annotations

import socket
import ssl
from enum import Enum

_WAIT = 1.0


class Wish(Enum):
    """What a server wants before it takes a call."""

    NOTHING = "nothing, or nobody is there"
    TLS = "to be called with TLS"
    CERTIFICATE = "a certificate of the caller, too"


def wish_of(address: str) -> Wish:
    """Return what the servers of *address* want, `host:port` and more of them with commas between; it takes a moment."""
    wishes = (_asked(place.strip()) for place in address.split(","))
    return next((wish for wish in wishes if wish is not Wish.NOTHING), Wish.NOTHING)


def _asked(place: str) -> Wish:
    host, _, port = place.rpartition(":")
    # Nothing is said to it but what its certificate is asked for with, so that anybody may answer.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    wish = Wish.NOTHING
    try:
        with (
            socket.create_connection((host.strip("[]"), int(port)), _WAIT) as plain,
            context.wrap_socket(plain, server_hostname=host.strip("[]")) as encrypted,
        ):
            wish = Wish.TLS
            # Who misses a certificate says so after the handshake.
            encrypted.recv(1)
    except ssl.SSLError as error:
        return Wish.CERTIFICATE if "ALERT" in (error.reason or "") else wish
    except (OSError, ValueError):
        return wish
    return wish
