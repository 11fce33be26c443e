"""The pages that every server has over HTTP: `/health` for load balancers and people, `/metrics` for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airegistry._rpc.health import HealthState
from airegistry._rpc.metrics import CONTENT_TYPE, Metrics


def status_routes(health: HealthState, metrics: Metrics, facts: Callable[[], Mapping[str, Any]]) -> list[Route]:
    """Return the routes. `/health` also shows *facts*, and answers 503 while the process does not serve."""

    async def show_health(_request: Request) -> Response:
        state = "SERVING" if health.serving else "NOT_SERVING"
        return JSONResponse({"status": state, **facts()}, status_code=200 if health.serving else 503)

    async def show_metrics(_request: Request) -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    return [Route("/health", show_health), Route("/metrics", show_metrics)]
