"""Which path is served how: REST by the transcoder, everything else as it comes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from airegistry._rpc.carrier import PATH_FIELDS
from airegistry._rpc.envoy.compressing import COMPRESSORS
from airegistry._rpc.envoy.configuration import Json, filter_name, http_options, typed
from airegistry._rpc.envoy.plan import Plan
from airegistry._rpc.envoy.transcoding import TRANSCODER, rest_prefixes, stream_paths, transcoder
from airegistry._rpc.rest.requests import BODY_NAME

NAMING = filter_name("lua")
LIMITING = filter_name("local_ratelimit")
SHARING = filter_name("cors")
WEB = filter_name("grpc_web")

# The transcoder calls lines of JSON `application/json`; errors before the first line are that, too, and stay it.
_LINES = """\
function envoy_on_response(answer)
  local headers = answer:headers()
  if headers:get(":status") == "200" then
    headers:replace("content-type", "application/x-ndjson")
  end
end
"""
# A load balancer that gets no answer takes the server away; no wonder at a time of too many requests.
_UNLIMITED = ("/health", "/metrics", "/grpc.health.v1.Health/Check")
_METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
# A star stands for everything but `authorization`, in browsers that know it; the others are told by name what gRPC-Web needs.
_SENT = "authorization, content-type, grpc-timeout, x-grpc-web, x-user-agent, *"
_SHOWN = "grpc-status, grpc-message, grpc-status-details-bin, retry-after, *"
_PREFLIGHT_KEPT = "7200"


# The transcoder believes a parameter rather than the path, by which others may have let the call pass, and has a field for the
# body, which is nobody else's. It decodes names of parameters, which never need a percent sign.
_NO_PARAMETER = rf"[^?]*\?(.*&)?({'|'.join(map(re.escape, PATH_FIELDS))}|{BODY_NAME}(\.[^=&]*)?|[^=&]*%[^=&]*)([=&].*)?"


def virtual_host(plan: Plan) -> Json:
    """Return the one host that everything is served on."""
    host: Json = {"name": "server", "domains": ["*"], "routes": [*_routes(plan)]}
    if plan.cors_origins:
        host["typed_per_filter_config"] = {SHARING: _shared(plan)}
    return host


def _routes(plan: Plan) -> Iterator[Json]:
    untouched = {TRANSCODER: _off()} if plan.services else {}
    if plan.rate_limit is not None:
        for path in (*_UNLIMITED, *(page for page in plan.pages if page.endswith(_UNLIMITED))):
            yield _route({"path": path}, {LIMITING: _off(), **untouched})
    # Most of what comes, and nothing in front of the application is for it. (`grpc` is neither gRPC-Web nor REST.)
    passing = [WEB, *(COMPRESSORS if plan.compression else ())]
    yield _route({"prefix": "/", "grpc": {}}, {**untouched, **{name: _off() for name in passing}})
    for path in plan.pages:
        yield _route({"path": path}, untouched)
    for prefix in rest_prefixes(plan.services):
        refused = {"name": ":path", "string_match": {"safe_regex": {"regex": _NO_PARAMETER}}}
        yield _route({"prefix": prefix, "headers": [refused]}, untouched)
    yield from _rest(plan)
    yield _route({"prefix": "/"}, untouched)


def _rest(plan: Plan) -> Iterator[Json]:
    streams = "|".join(re.escape(path) for path in stream_paths(plan.services))
    wanted = {"name": "accept", "string_match": {"contains": "text/event-stream", "ignore_case": True}}
    lines = http_options("lua.v3.LuaPerRoute", {"source_code": {"inline_string": _LINES}})
    if streams:
        match = {"safe_regex": {"regex": streams}}
        yield _route({**match, "headers": [wanted]}, {TRANSCODER: transcoder(plan, event_stream=True)})
        yield _route(match, {NAMING: lines})
    for prefix in rest_prefixes(plan.services):
        yield _route({"prefix": prefix})


def _route(match: Json, filters: dict[str, Any] | None = None) -> Json:
    # The application is a filter and answers by itself: there is nothing to send on to.
    route: Json = {"match": match, "non_forwarding_action": {}}
    return {**route, "typed_per_filter_config": filters} if filters else route


def _off() -> Json:
    return typed("envoy.config.route.v3.FilterConfig", {"disabled": True})


def _shared(plan: Plan) -> Json:
    return http_options(
        "cors.v3.CorsPolicy",
        {
            "allow_origin_string_match": [_origin(origin) for origin in plan.cors_origins],
            "allow_methods": _METHODS,
            "allow_headers": _SENT,
            "expose_headers": _SHOWN,
            "max_age": _PREFLIGHT_KEPT,
        },
    )


def _origin(origin: str) -> Json:
    return {"safe_regex": {"regex": ".*"}} if origin == "*" else {"exact": origin}
