"""The clients of one run, with its addresses and its time limit."""

from __future__ import annotations

import grpc

from airegistry.cli.session import Session
from airegistry.client.analytics import TIMEOUT as REGISTRY_TIMEOUT
from airegistry.client.gateway import TIMEOUT as GATEWAY_TIMEOUT
from airegistry.client.gateway import GatewayClient
from airegistry.client.registry import RegistryClient


def registry_client(session: Session) -> RegistryClient:
    """Return a client of the registry."""
    return RegistryClient(
        session.registry, credentials=_credentials(session), timeout=session.timeout or REGISTRY_TIMEOUT
    )


def gateway_client(session: Session) -> GatewayClient:
    """Return a client of the gateway."""
    return GatewayClient(session.gateway, credentials=_credentials(session), timeout=session.timeout or GATEWAY_TIMEOUT)


def _credentials(session: Session) -> grpc.ChannelCredentials | None:
    trust = session.trust
    if trust is None:
        return None
    key, certificate = (None if file is None else file.read_bytes() for file in (trust.key, trust.certificate))
    return grpc.ssl_channel_credentials(trust.authorities.read_bytes(), key, certificate)
