"""The HTTP call around a body."""

from __future__ import annotations

from typing import Any

import orjson

from airegistry.dialects.exchange import HttpCall
from airegistry.errors import InvalidArgumentError
from airegistry.resources.endpoint import Communication, Endpoint

_NOTHING = Communication()


def post(endpoint: Endpoint, default_path: str, body: bytes, *, accept: str) -> HttpCall:
    """Return the POST of *body* to an endpoint, with the headers that it declares and without its credential."""
    communication = endpoint.communication or _NOTHING
    path = communication.path or default_path
    headers = {
        **communication.headers,
        "content-type": communication.request_format or "application/json",
        "accept": accept,
    }
    return HttpCall("POST", f"{endpoint.address.rstrip('/')}/{path.lstrip('/')}", headers, body)


def json_bytes(body: dict[str, Any]) -> bytes:
    """Return a body as JSON. Raises InvalidArgumentError when it has what JSON has not."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        raise InvalidArgumentError(f"the request cannot be written as JSON: {error}") from error
