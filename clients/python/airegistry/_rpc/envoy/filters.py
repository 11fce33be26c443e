"""What each request and each answer goes through, and the application at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator

from airegistry._rpc.edge import RateLimit
from airegistry._rpc.envoy.compressing import compressors
from airegistry._rpc.envoy.configuration import Json, http_filter, seconds, typed
from airegistry._rpc.envoy.plan import Plan
from airegistry._rpc.envoy.transcoding import TRANSCODER, transcoder

_ALWAYS = {"numerator": 100, "denominator": "HUNDRED"}


def http_filters(plan: Plan) -> list[Json]:
    """Return the filters in the order in which a request meets them; an answer meets them the other way."""
    return [*_before(plan), _application(plan)]


def _before(plan: Plan) -> Iterator[Json]:
    if plan.cors_origins:
        yield http_filter("cors", "cors.v3.Cors")
    if plan.rate_limit is not None:
        yield _limiting(plan.rate_limit)
    if plan.compression:
        yield from compressors()
    yield http_filter("grpc_web", "grpc_web.v3.GrpcWeb")
    if plan.services:
        # Only on the routes that ask for it.
        yield {**http_filter("lua", "lua.v3.Lua"), "disabled": True}
        # On all that do not turn it off: what it knows is large, and every route of its own would hold that again.
        yield {"name": TRANSCODER, "typed_config": transcoder(plan)}


def _limiting(limit: RateLimit) -> Json:
    interval, tokens = _filling(limit.per_second)
    return http_filter(
        "local_ratelimit",
        "local_ratelimit.v3.LocalRateLimit",
        {
            "stat_prefix": "rate_limit",
            "token_bucket": {
                "max_tokens": max(limit.burst, tokens),
                "tokens_per_fill": tokens,
                "fill_interval": interval,
            },
            "filter_enabled": {"default_value": _ALWAYS},
            "filter_enforced": {"default_value": _ALWAYS},
            "rate_limited_as_resource_exhausted": True,
            "response_headers_to_add": [{"header": {"key": "retry-after", "value": "1"}}],
        },
    )


def _filling(per_second: float) -> tuple[str, int]:
    """Return how often how many tokens come: whole ones, and not more often than Envoy can, which is each 50 ms."""
    tokens = max(1, round(per_second / 10))
    return seconds(tokens / per_second), tokens


def _application(plan: Plan) -> Json:
    options = {"app": plan.app, "interface": "asgi", "root_path": "", "lifespan": True}
    return {
        "name": "pyvoy",
        "typed_config": typed(
            "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
            {
                "dynamic_module_config": {"module": {"local": {"filename": str(plan.pyvoy_module)}}},
                "filter_name": "pyvoy",
                "terminal_filter": True,
                "filter_config": typed("google.protobuf.StringValue", {"value": json.dumps(options)}),
            },
        ),
    }
