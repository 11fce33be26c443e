"""What one Envoy process shall do, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from airegistry._rpc.edge import RateLimit, Tls


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
