"""The HTTP call around a JSON body."""

from __future__ import annotations

from typing import Any

import orjson

from airegistry.dialects.exchange import HttpCall
from airegistry.errors import InvalidArgumentError
from airegistry.resources.endpoint import Communication, Endpoint

_NOTHING = Communication()


def json_call(endpoint: Endpoint, default_path: str, body: dict[str, Any], *, accept: str) -> HttpCall:
    """Return the POST of *body* to an endpoint, with the headers that it declares and without its credential."""
    communication = endpoint.communication or _NOTHING
    path = communication.path or default_path
    headers = {
        **communication.headers,
        "content-type": communication.request_format or "application/json",
        "accept": accept,
    }
    return HttpCall("POST", f"{endpoint.address.rstrip('/')}/{path.lstrip('/')}", headers, _json(body))


def _json(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        raise InvalidArgumentError(f"the request cannot be written as JSON: {error}") from error
