"""What is said to calls of the REST API that nobody translated to gRPC."""

from __future__ import annotations

from google.protobuf.json_format import MessageToJson
from google.rpc import status_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from airegistry._rpc.carrier import PATH_FIELDS
from airegistry._rpc.rest.requests import BODY_NAME
from airegistry._status import http_status, to_status
from airegistry.errors import InvalidArgumentError, RegistryError, UnimplementedError

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def untranslated(prefix: str) -> Route:
    """Return the route of everything below *prefix*; what has a route of its own comes before it.

    A carrier with REST sends only calls here whose query says what no parameter may say.
    """
    return Route(f"{prefix}{{path:path}}", _refuse, methods=_METHODS)


async def _refuse(request: Request) -> Response:
    status = to_status(_error(request))
    body = MessageToJson(status_pb2.Status.FromString(status.details), indent=None)
    return Response(body, http_status(status.code), media_type="application/json")


def _error(request: Request) -> RegistryError:
    for name in request.query_params:
        if name in PATH_FIELDS:
            return InvalidArgumentError.of(name, "is no parameter: the path says it")
        if name.partition(".")[0] == BODY_NAME:
            return InvalidArgumentError.of(name, "is no field")
    if any("%" in one.partition("=")[0] for one in request.url.query.split("&")):
        return InvalidArgumentError("names of parameters are written without percent signs")
    return UnimplementedError("REST is offered by the Envoy carrier alone: start this server with --carrier envoy")
