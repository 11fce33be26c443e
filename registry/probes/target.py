"""What is probed of an endpoint, how far and how often; endpoints of which the same is sent share their probes."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from urllib.parse import urlsplit

from airegistry.resources.endpoint import Auth, Communication, Endpoint, ProbeStep, Probing

INTERVAL = 30.0
"""Seconds between two probes of an endpoint that says nothing else."""

MIN_INTERVAL = 1.0

# The last two are what gRPC itself takes for a name without a port.
_PORTS = {"http": 80, "https": 443, "grpc": 443, "grpcs": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect to."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """`host:port`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Target:
    """What to probe. `key` is equal for equal probes; `interval` is in seconds."""

    key: Hashable
    place: Place
    endpoint: Endpoint
    highest: ProbeStep
    interval: float


def target_of(name: str, endpoint: Endpoint) -> Target | None:
    """Return what to probe of the endpoint of that name; None for one that is not to be probed."""
    probing = endpoint.probing or Probing()
    place = _place(endpoint.address)
    if probing.disabled or place is None:
        return None
    highest = probing.max_step or ProbeStep.CONNECT
    interval = max(MIN_INTERVAL, probing.interval or INTERVAL)
    return Target(_key(name, endpoint, place, highest), place, endpoint, highest, interval)


def _place(address: str) -> Place | None:
    parts = urlsplit(address)
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return Place(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])


def _key(name: str, endpoint: Endpoint, place: Place, highest: ProbeStep) -> Hashable:
    if highest <= ProbeStep.HANDSHAKE:
        return place
    if highest is ProbeStep.REQUEST:
        return (place, name)
    communication = endpoint.communication or Communication()
    return (
        place,
        endpoint.address,
        communication.dialect,
        communication.auth or Auth(),
        endpoint.credential,
        tuple(sorted(communication.headers.items())),
    )
