"""What one Envoy process shall do, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tls:
    """Who the server is, in files (PEM).

    With a `client_ca`, clients must show a certificate of one of the authorities in that file. The files are read again when
    something is renamed in the folder `watched`, or else in their own, as who replaces a file by another does.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None
    watched: Path | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many requests a second are let through, and how many at once after a silence."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Plan:
    """An Envoy with one ASGI application in it. Durations are in seconds, sizes in bytes.

    `app` is the `module:attribute` that the library `pyvoy_module` loads. All `addresses` (`host:port`, port 0 takes a free
    one) are served alike; with `reuse_port` other processes may serve there, too. `folder` belongs to this process alone: the
    socket of Envoy's admin pages and the files of `secrets` are in it.

    The `services`, by their full names, are offered over REST; `pages` are paths below those of the REST API that the
    application answers itself. Connections take no new calls after `max_connection_age`, give or take a tenth; what runs
    there ends by itself.
    """

    app: str
    addresses: Sequence[str]
    pyvoy_module: Path
    folder: Path
    services: Sequence[str] = ()
    pages: Sequence[str] = ()
    reuse_port: bool = False
    cors_origins: Sequence[str] = ()
    compression: bool = True
    access_log: str | None = None
    rate_limit: RateLimit | None = None
    max_connections: int = 20_000
    max_streams: int = 32_768
    max_rest_request_bytes: int = 8 * 1024 * 1024
    max_rest_answer_bytes: int = 64 * 1024 * 1024
    max_connection_age: float | None = None
    tls: Tls | None = None
