"""Opaque tokens: facts that a caller hands back unchanged, such as where a page or a stream goes on."""

from __future__ import annotations

import base64
import json
from binascii import Error as Base64Error
from hashlib import blake2b

_DIGEST = 6


def seal(purpose: str, *facts: str | int) -> str:
    """Return the token for *facts*. The checksum finds damage and other purposes; it keeps nobody from forging one."""
    payload = json.dumps(facts, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_digest(purpose, payload) + payload).decode().rstrip("=")


def unseal(purpose: str, token: str) -> tuple[str | int, ...]:
    """Return the facts in *token*, or raise ValueError when it is no token of this purpose."""
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (Base64Error, ValueError) as error:
        raise ValueError("not a token") from error
    digest, payload = sealed[:_DIGEST], sealed[_DIGEST:]
    if not payload or digest != _digest(purpose, payload):
        raise ValueError("not a token")
    return tuple(json.loads(payload))


def _digest(purpose: str, payload: bytes) -> bytes:
    return blake2b(payload, digest_size=_DIGEST, person=purpose.encode()).digest()
