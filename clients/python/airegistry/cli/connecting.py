"""The clients of one run, with its addresses and its time limit."""

from __future__ import annotations

import grpc
import typer

from airegistry._rpc.trust import Names, TrustError, channel_credentials
from airegistry.cli.session import Session
from airegistry.client.analytics import TIMEOUT as REGISTRY_TIMEOUT
from airegistry.client.gateway import TIMEOUT as GATEWAY_TIMEOUT
from airegistry.client.gateway import GatewayClient
from airegistry.client.registry import RegistryClient

_OPTIONS = Names("--ca-file", "--cert-file", "--key-file")


def registry_client(session: Session) -> RegistryClient:
    """Return a client of the registry."""
    return RegistryClient(
        session.registry, credentials=_credentials(session), timeout=session.timeout or REGISTRY_TIMEOUT
    )


def gateway_client(session: Session) -> GatewayClient:
    """Return a client of the gateway."""
    return GatewayClient(session.gateway, credentials=_credentials(session), timeout=session.timeout or GATEWAY_TIMEOUT)


def _credentials(session: Session) -> grpc.ChannelCredentials | None:
    if session.trust is None:
        return None
    try:
        return channel_credentials(session.trust, _OPTIONS)
    except TrustError as error:
        raise typer.BadParameter(str(error)) from error
