"""The pages that every server has over HTTP: `/health` for load balancers and people, `/metrics` for Prometheus.

Both are beside its REST API, too, with the OpenAPI document of that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airegistry._rpc.carrier import API_PAGES
from airegistry._rpc.health import HealthState
from airegistry._rpc.metrics import CONTENT_TYPE, Metrics
from airegistry._rpc.untranslated import untranslated


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
    elsewhere = untranslated(api.prefix)
    return [Route("/health", show_health), Route("/metrics", show_metrics), *beside_the_api, elsewhere]
