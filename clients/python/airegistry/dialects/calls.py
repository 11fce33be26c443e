"""The HTTP call around a body."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson

from airegistry.dialects.exchange import HttpCall
from airegistry.errors import InvalidArgumentError
from airegistry.resources.endpoint import Communication, Endpoint

_NOTHING = Communication()
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


def post(
    endpoint: Endpoint, default_path: str, body: bytes, *, accept: str, headers: Mapping[str, str] = _NO_HEADERS
) -> HttpCall:
    """Return the POST of *body* to an endpoint, without its credential.

    The headers that the endpoint declares replace *headers*, those of the format.
    """
    communication = endpoint.communication or _NOTHING
    path = communication.path or default_path
    all_headers = {
        **headers,
        **communication.headers,
        "content-type": communication.request_format or "application/json",
        "accept": accept,
    }
    return HttpCall("POST", f"{endpoint.address.rstrip('/')}/{path.lstrip('/')}", all_headers, body)


def json_bytes(body: dict[str, Any]) -> bytes:
    """Return a body as JSON. Raises InvalidArgumentError when it has what JSON has not."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        raise InvalidArgumentError(f"the request cannot be written as JSON: {error}") from error
