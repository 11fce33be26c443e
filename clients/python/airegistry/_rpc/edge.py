"""What a listener does before a server has its say: encryption, and a limit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tls:
    """Who the server is, in files (PEM).

    With a `client_ca`, clients must show a certificate of one of the authorities in that file. All of them are read again
    when they change.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many requests a second are let through, and how many at once after a silence."""

    per_second: float
    burst: int
