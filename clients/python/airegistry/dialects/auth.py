"""How a call proves who it is."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote

from airegistry.dialects.exchange import GrpcCall, HttpCall
from airegistry.errors import ProviderCredentialError
from airegistry.resources.endpoint import Auth, AuthMethod

Call = TypeVar("Call", bound=HttpCall | GrpcCall)


def authorize(call: Call, auth: Auth | None, secret: str | None) -> Call:
    """Return the call with the credential in its place.

    A client certificate is the transport's business, so that AUTH_METHOD_MTLS changes nothing here. Raises
    ProviderCredentialError when the method needs a secret and there is none, or none that a header could carry.
    """
    method = (auth.method if auth else None) or AuthMethod.BEARER
    if method in (AuthMethod.NONE, AuthMethod.MTLS):
        return call
    secret = _checked(secret)
    parameter = auth.parameter if auth else ""
    match method:
        case AuthMethod.HEADER:
            return _with_header(call, _named(parameter, "header").lower(), secret)
        case AuthMethod.QUERY:
            if isinstance(call, GrpcCall):
                raise ProviderCredentialError("a gRPC call has no query for the endpoint's credential")
            separator = "&" if "?" in call.url else "?"
            query = f"{quote(_named(parameter, 'query parameter'), safe='')}={quote(secret, safe='')}"
            return replace(call, url=f"{call.url}{separator}{query}")
        case AuthMethod.BASIC:
            return _with_header(call, "authorization", f"Basic {base64.b64encode(secret.encode()).decode()}")
        case _:
            return _with_header(call, "authorization", f"Bearer {secret}")


def _with_header(call: Call, name: str, value: str) -> Call:
    return replace(call, headers={**call.headers, name: value})


def _checked(secret: str | None) -> str:
    if not secret:
        raise ProviderCredentialError("the endpoint's credential has no value here")
    # A newline would end the header and begin another one.
    if not (secret.isascii() and secret.isprintable()):
        raise ProviderCredentialError("the endpoint's credential has characters that a header cannot carry")
    return secret


def _named(parameter: str, kind: str) -> str:
    if not parameter:
        raise ProviderCredentialError(f"the endpoint does not name the {kind} for its credential")
    return parameter
