"""The clients of one run, with its addresses and its time limit."""

from __future__ import annotations

import ssl

import grpc
import typer

from airegistry.cli.session import Session, Trust
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
    _check(trust)
    key, certificate = (None if file is None else file.read_bytes() for file in (trust.key, trust.certificate))
    return grpc.ssl_channel_credentials(trust.authorities.read_bytes(), key, certificate)


def _check(trust: Trust) -> None:
    """Refuse files that cannot be used: gRPC would only say that nobody answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(trust.authorities)
    except ssl.SSLError as error:
        raise typer.BadParameter(f"--ca-file: {trust.authorities} holds no certificates (PEM)") from error
    if trust.certificate is None or trust.key is None:
        return
    try:
        # A key with a password would ask for it on the terminal.
        context.load_cert_chain(trust.certificate, trust.key, password="")
    except (ssl.SSLError, ValueError) as error:
        files = f"{trust.certificate} and {trust.key}"
        raise typer.BadParameter(f"--cert-file and --key-file: {files} are no certificate and its key (PEM)") from error
