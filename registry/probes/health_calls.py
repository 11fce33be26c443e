"""The third step: asking an endpoint how it is."""

from __future__ import annotations

from typing import Any

from grpc import aio, ssl_channel_credentials
from grpc_health.v1 import health_pb2

from airegistry._rpc.channel import answered
from airegistry.dialects.auth import authorize
from airegistry.dialects.exchange import HttpCall
from airegistry.errors import (
    NotFoundError,
    PermissionDeniedError,
    ProviderCredentialError,
    ProviderError,
    RegistryError,
    UnauthenticatedError,
    UnimplementedError,
)
from airegistry.invoke.credentials import Credentials
from airegistry.invoke.transport import Transport
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint
from registry.probes.climb import Finding, Level
from registry.probes.target import Place

_BELOW_ADDRESS = "openai."
_READY = {
    "kserve.v2": "/v2/health/ready",
    "tei.embed": "/health",
    "tei.rerank": "/health",
    "tgi.generate": "/health",
}
_BELOW_HOST = {**_READY, "ollama.chat": "/api/version", "ollama.embed": "/api/version"}

_OK = range(200, 300)
_TOO_MANY = 429
_SERVER_ERRORS = range(500, 600)
_REFUSED = (401, 403)

_Status = health_pb2.HealthCheckResponse
_CHECK = "/grpc.health.v1.Health/Check"
_CHANNEL_OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    # A connection of its own, gone with the channel.
    ("grpc.use_local_subchannel_pool", 1),
)


async def ask_http(endpoint: Endpoint, transport: Transport, credentials: Credentials, *, wait: float) -> Finding:
    """Send the health call of the endpoint's dialect; the first connection may take *wait* seconds."""
    communication = endpoint.communication or Communication()
    call = HttpCall("GET", _url(endpoint, communication.dialect), dict(communication.headers), b"")
    signed = _signed(call, endpoint, communication, credentials)
    try:
        async with transport.send(signed or call, connect_timeout=wait) as reply:
            status = reply.status
    except ProviderError as error:
        return Finding(Level.BAD, f"does not answer the health call: {error.message}")
    return _meaning(status, ready=communication.dialect in _READY, signed=signed is not None)


async def ask_grpc(place: Place) -> Finding:
    """Ask grpc.health.v1 about the whole server."""
    # With the scheme before it, no host name can be read as another kind of target.
    target = f"dns:///{place.authority}"
    async with _channel(target, secure=place.scheme == "grpcs") as channel:
        check = channel.unary_unary(
            _CHECK,
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=_Status.FromString,
        )
        try:
            answer: Any = await answered(check(health_pb2.HealthCheckRequest()))
        except (UnimplementedError, NotFoundError):
            return Finding(Level.GOOD, "answers, and has no health service")
        except (UnauthenticatedError, PermissionDeniedError):
            return Finding(Level.GOOD, "answers, and wants to know who asks for its health")
        except RegistryError as error:
            return Finding(Level.BAD, f"does not answer the health call: {error.reason}")
    if answer.status == _Status.SERVING:
        return Finding(Level.GOOD, "says that it serves", reached=True)
    if answer.status == _Status.NOT_SERVING:
        return Finding(Level.BAD, "says that it does not serve")
    return Finding(Level.GOOD, "answers, and does not say whether it serves")


def _channel(target: str, *, secure: bool) -> aio.Channel:
    if secure:
        return aio.secure_channel(target, ssl_channel_credentials(), options=_CHANNEL_OPTIONS)
    return aio.insecure_channel(target, options=_CHANNEL_OPTIONS)


def _url(endpoint: Endpoint, dialect: str) -> str:
    address = endpoint.address
    if dialect.startswith(_BELOW_ADDRESS):
        return f"{address.rstrip('/')}/models"
    if dialect in _BELOW_HOST:
        scheme, _, rest = address.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}{_BELOW_HOST[dialect]}"
    return address


def _signed(
    call: HttpCall, endpoint: Endpoint, communication: Communication, credentials: Credentials
) -> HttpCall | None:
    """Return the call with the endpoint's credential; None without one here."""
    auth = communication.auth or Auth()
    if auth.method is AuthMethod.NONE:
        return call
    secret = credentials.get(endpoint.credential) if endpoint.credential else None
    if secret is None or auth.method is AuthMethod.MTLS:
        return None
    try:
        return authorize(call, auth, secret.reveal())
    except ProviderCredentialError:
        # It cannot be sent as the endpoint says: then it is not.
        return None


def _meaning(status: int, *, ready: bool, signed: bool) -> Finding:
    if status in _OK:
        return Finding(Level.GOOD, f"answers the health call with {status}", reached=True)
    if status in _REFUSED:
        if not signed:
            return Finding(Level.GOOD, f"answers ({status}), and wants a credential that is not here")
        return Finding(Level.POOR, f"refuses who asks ({status}): the credential is wrong, or one is missing")
    if ready:
        # Anything but success says so: Open Inference Protocol, "Server Ready".
        return Finding(Level.BAD, f"says that it is not ready ({status})")
    if status in _SERVER_ERRORS or status == _TOO_MANY:
        return Finding(Level.POOR, f"answers the health call with {status}")
    return Finding(Level.GOOD, f"answers ({status}), and has no such health call")
