"""The last step: a real request, as small as it can be. It may cost money."""

from __future__ import annotations

import logging

from airegistry import dialects
from airegistry.dialects.auth import authorize
from airegistry.dialects.base import Dialect
from airegistry.dialects.exchange import GrpcCall, HttpCall, Input
from airegistry.errors import (
    InvalidArgumentError,
    ProviderConnectionError,
    ProviderCredentialError,
    ProviderError,
    ProviderRejectedError,
)
from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invoke.credentials import Credentials, KeyPair
from airegistry.invoke.transport import Transport
from airegistry.resources.endpoint import Communication, Endpoint
from registry.probes.climb import Finding, Level

log = logging.getLogger(__name__)

_TEXT = "Hi"
_REQUESTS: tuple[Input, ...] = (
    ChatRequest(messages=(Message(Role.USER, (ContentBlock(text=TextBlock(_TEXT)),)),), max_output_tokens=1),
    EmbeddingsRequest(inputs=(EmbeddingInput(text=_TEXT),)),
)
_HTTP = ("http://", "https://")


class _NotAskedError(Exception):
    """Why there is no request to be sent."""


async def send(endpoint: Endpoint, transport: Transport, credentials: Credentials, *, wait: float) -> Finding:
    """Ask for one token, or for one vector; the first connection may take *wait* seconds."""
    communication = endpoint.communication or Communication()
    try:
        dialect, request = _words(endpoint, communication.dialect)
        call = _call(endpoint, communication, dialect, request, credentials)
        async with transport.send(call, connect_timeout=wait, identity=_identity(endpoint, credentials)) as reply:
            body = await reply.body()
        dialect.decode(request, reply.status, reply.headers, body)
    except _NotAskedError as error:
        # Nothing was sent, so nothing was learned beyond the steps before.
        return Finding(Level.GOOD, f"answers; not asked for more: {error}")
    except ProviderError as error:
        return _meaning(error)
    except Exception:
        # A dialect may be anybody's; that it fails says nothing of the endpoint.
        log.exception("dialect %s failed in a probe", communication.dialect)
        return Finding(Level.GOOD, "answers; not asked for more: its dialect failed here")
    return Finding(Level.GOOD, "answers a tiny request", reached=True)


def _words(endpoint: Endpoint, name: str) -> tuple[Dialect, Input]:
    dialect = dialects.get(name)
    if dialect is None:
        raise _NotAskedError("its dialect is unknown here")
    dialect = _declared(dialect, endpoint)
    request = next((one for one in _REQUESTS if dialect.speaks(one)), None)
    if request is None:
        raise _NotAskedError("its dialect has neither conversations nor embeddings")
    return dialect, request


def _declared(dialect: Dialect, endpoint: Endpoint) -> Dialect:
    try:
        return dialects.for_endpoint(dialect, endpoint)
    except InvalidArgumentError as error:
        raise _NotAskedError("the format that it declares is of no use here") from error


def _call(
    endpoint: Endpoint, communication: Communication, dialect: Dialect, request: Input, credentials: Credentials
) -> HttpCall | GrpcCall:
    secret = credentials.get(endpoint.credential) if endpoint.credential else None
    call = dialect.encode(request, endpoint, stream=False).call
    if isinstance(call, HttpCall) and not endpoint.address.startswith(_HTTP):
        raise _NotAskedError("its dialect goes over HTTP only")
    try:
        return authorize(call, communication.auth, secret.reveal() if secret is not None else None)
    except ProviderCredentialError as error:
        raise _NotAskedError("its credential is not here, or cannot be sent") from error


def _identity(endpoint: Endpoint, credentials: Credentials) -> KeyPair | None:
    proof = credentials.of(endpoint)
    return proof if isinstance(proof, KeyPair) else None


def _meaning(error: ProviderError) -> Finding:
    status = f" ({error.http_status})" if error.http_status is not None else ""
    if isinstance(error, ProviderRejectedError):
        # Some models want more room than one token, and some refuse the text: a request of ours never harms an endpoint.
        return Finding(Level.GOOD, f"answers, and refuses a tiny request{status}")
    if isinstance(error, ProviderConnectionError):
        return Finding(Level.BAD, f"breaks off at a tiny request{status}")
    return Finding(Level.POOR, f"answers a tiny request with {error.reason}{status}")
