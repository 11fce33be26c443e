"""An agent as calls see it: as an endpoint that speaks the dialect of agents."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from airegistry.resources.agent import Agent, AgentInterface
from airegistry.resources.endpoint import Communication, Endpoint, RateLimits
from airegistry.resources.model import Capability

DIALECT: Final = "a2a"
_BINDING: Final = "GRPC"
_SCHEMES: Final = {"http": "grpc", "grpc": "grpc", "https": "grpcs", "grpcs": "grpcs"}


def endpoint_of(agent: Agent) -> Endpoint:
    """Return how an agent is called; without an address and a dialect where its card offers no way that is spoken here."""
    spoken = next((interface for interface in agent.interfaces if is_spoken(interface)), None)
    streaming = agent.capabilities.streaming if agent.capabilities is not None else None
    most = agent.max_concurrent_tasks
    return Endpoint(
        provider=agent.provider.organization if agent.provider is not None else "",
        address=_address(spoken.url) if spoken is not None else "",
        communication=Communication(dialect=DIALECT, auth=agent.auth, path=spoken.tenant) if spoken else None,
        credential=agent.credential,
        prices=agent.prices,
        rate_limits=RateLimits(max_concurrent_requests=most) if most is not None else None,
        region=agent.region,
        data_policy=agent.data_policy,
        capabilities={"streaming": Capability(supported=bool(streaming))},
    )


def is_spoken(interface: AgentInterface) -> bool:
    """Say whether an interface is A2A's of version 1 by gRPC, at an address without a path: gRPC has none."""
    version = interface.protocol_version.partition(".")[0]
    bound = interface.protocol_binding.upper() == _BINDING and version in ("", "1")
    return bound and bool(_address(interface.url))


def _address(url: str) -> str:
    parts = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme)
    return f"{scheme}://{parts.netloc}" if scheme and parts.netloc and parts.path in ("", "/") else ""
