"""The pages that every server has over HTTP: `/health` for load balancers and people, `/metrics` for Prometheus.

Both are beside its REST API, too, with the OpenAPI document of that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToJson
from google.rpc import status_pb2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airegistry._rpc.carrier import API_PAGES
from airegistry._rpc.health import HealthState
from airegistry._rpc.metrics import CONTENT_TYPE, Metrics
from airegistry._status import http_status, to_status
from airegistry.errors import UnimplementedError

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Api:
    """A server's REST API: what its paths begin with (`/registry/v1/`), and its OpenAPI document."""

    prefix: str
    document: bytes


def status_routes(
    health: HealthState, metrics: Metrics, facts: Callable[[], Mapping[str, Any]], api: Api
) -> list[Route]:
    """Return the routes. `/health` also shows *facts*, and answers 503 while the process does not serve.

    The REST API itself is its carrier's; where that has none, its paths say so.
    """

    async def show_health(_request: Request) -> Response:
        state = "SERVING" if health.serving else "NOT_SERVING"
        return JSONResponse({"status": state, **facts()}, status_code=200 if health.serving else 503)

    async def show_metrics(_request: Request) -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    async def show_document(_request: Request) -> Response:
        return Response(api.document, media_type="application/json")

    pages: tuple[Callable[[Request], Awaitable[Response]], ...] = (show_health, show_metrics, show_document)
    beside_the_api = [Route(api.prefix + name, page) for name, page in zip(API_PAGES, pages, strict=True)]
    elsewhere = Route(f"{api.prefix}{{path:path}}", _say_who_offers_rest, methods=_METHODS)
    return [Route("/health", show_health), Route("/metrics", show_metrics), *beside_the_api, elsewhere]


async def _say_who_offers_rest(_request: Request) -> Response:
    """Refuse a call of the REST API, which has come to the pages because nobody translates it."""
    status = to_status(
        UnimplementedError("REST is offered by the Envoy carrier alone: start this server with --carrier envoy")
    )
    body = MessageToJson(status_pb2.Status.FromString(status.details), indent=None)
    return Response(body, http_status(status.code), media_type="application/json")
