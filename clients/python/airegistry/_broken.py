"""What gRPC's own words mean of a connection.

Only the text tells them from a server's. It is searched and never shown: it holds addresses of this network.
"""

from __future__ import annotations

from typing import Final

_NEVER_STOOD: Final = (
    "connections to all backends failing",
    "failed to connect to all addresses",
    "errors resolving",
    "DNS resolution failed",
)
_BROKE: Final = ("Stream removed", "Socket closed", "onnection reset", "Broken pipe", "recvmsg", "GOAWAY", "watchdog")
_REASONS: Final = {
    "CERTIFICATE_VERIFY_FAILED": ": the server's certificate is not trusted",
    "Hostname Verification": ": the server's certificate is for another name",
    "not valid for": ": the server's certificate is for another name",
    "SSL": ": TLS failed",
    "andshake": ": TLS failed",
    "Connection refused": ": connection refused",
    "Domain name not found": ": the name is not known",
    "DNS": ": the name is not known",
    "HTTP/2": ": the server does not speak HTTP/2",
}


def never_stood(details: str) -> str | None:
    """Return why there was no connection, to stand behind a sentence that says so; None where there was one."""
    if not any(sign in details for sign in _NEVER_STOOD):
        return None
    return next((meaning for sign, meaning in _REASONS.items() if sign in details), "")


def broke(details: str) -> bool:
    """Say whether a connection broke."""
    return any(sign in details for sign in _BROKE)
