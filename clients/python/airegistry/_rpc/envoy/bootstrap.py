"""The whole configuration of one Envoy, made from a plan; nobody keeps one by hand."""

from __future__ import annotations

from pathlib import Path

from airegistry._rpc.envoy.access_log import access_logs
from airegistry._rpc.envoy.configuration import Json, seconds, typed
from airegistry._rpc.envoy.filters import http_filters
from airegistry._rpc.envoy.local_replies import local_replies
from airegistry._rpc.envoy.plan import Plan
from airegistry._rpc.envoy.routes import virtual_host
from airegistry._rpc.envoy.tls import transport_socket
from airegistry._rpc.envoy.transcoding import rest_prefixes
from airegistry._rpc.listening import split_address

LISTENER = "server"
"""The name of the listener on Envoy's admin pages, which tell the ports that were taken."""

# One header that is larger spoils the compression of all that follow, so that the whole connection ends: this is the most
# that Envoy can be told to take.
_MAX_HEADER_KIB = 256
_MAX_HEADERS = 1_000
_HEAD_WAIT = 10.0
_IDLE_CONNECTION = 3600.0
# What a peer that went without a word holds, and what one that stopped reading does, ends by these.
_PING_EVERY = 60.0
_PING_WAIT = 20.0
_UNREAD = 60.0
# A stream that is not read holds its sender up after this many bytes; at Envoy's own numbers after 16 MiB and more.
_STREAM_WINDOW = 64 * 1024
_CONNECTION_WINDOW = 1024 * 1024
_CONNECTION_BUFFER = 256 * 1024
_AGE_JITTER = 10.0
_LAST_CALLS = 5.0
_BACKLOG = 4096
_CANCELLED_A_SECOND = 5_000
# By itself Envoy keeps all memory that it ever had.
_RELEASED_A_SECOND = 4 * 1024 * 1024


def bootstrap(plan: Plan) -> Json:
    """Return the configuration that makes Envoy do what *plan* says, as protobuf's JSON.

    It is too large for a command line: write it into a file.
    """
    return {
        # Secrets are asked for in somebody's name, even those in files.
        "node": {"id": LISTENER, "cluster": "airegistry"},
        "admin": {"address": {"pipe": {"path": str(admin_socket(plan)), "mode": 0o600}}},
        "overload_manager": {"resource_monitors": [_connection_limit(plan.max_connections)]},
        "memory_allocator_manager": {"bytes_to_release": _RELEASED_A_SECOND, "memory_release_interval": seconds(1.0)},
        "static_resources": {"listeners": [_listener(plan)]},
    }


def admin_socket(plan: Plan) -> Path:
    """Return the socket that Envoy's admin pages are served on, for this user alone."""
    return plan.folder / "admin.sock"


def _connection_limit(connections: int) -> Json:
    return {
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": typed(
            "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
            {"max_active_downstream_connections": connections},
        ),
    }


def _listener(plan: Plan) -> Json:
    first, *others = (_address(address) for address in plan.addresses)
    chain: Json = {
        "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": _connections(plan)}]
    }
    if plan.tls is not None:
        chain["transport_socket"] = transport_socket(plan, plan.tls)
    return {
        "name": LISTENER,
        "address": first,
        "additional_addresses": [{"address": address} for address in others],
        "enable_reuse_port": plan.reuse_port,
        "tcp_backlog_size": _BACKLOG,
        "per_connection_buffer_limit_bytes": _CONNECTION_BUFFER,
        "filter_chains": [chain],
    }


def _address(address: str) -> Json:
    host, port = split_address(address)
    # Envoy takes no names, and keeps the families apart unless it is told.
    place: Json = {"address": "127.0.0.1" if host == "localhost" else host, "port_value": port}
    return {"socket_address": {**place, "ipv4_compat": True} if host == "::" else place}


def _connections(plan: Plan) -> Json:
    age = plan.max_connection_age
    lifetime = (
        {}
        if age is None
        else {"max_connection_duration": seconds(age), "max_connection_duration_jitter": {"value": _AGE_JITTER}}
    )
    return typed(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        {
            "stat_prefix": LISTENER,
            "route_config": {"virtual_hosts": [virtual_host(plan)]},
            "http_filters": http_filters(plan),
            "access_log": access_logs(plan.access_log),
            "local_reply_config": local_replies(rest_prefixes(plan.services)),
            # The peer is who is connected, whatever a header says; and Envoy's own headers (that a call was made in JSON) are
            # taken off what comes from outside, as everybody does.
            "use_remote_address": True,
            "skip_xff_append": True,
            "generate_request_id": False,
            "max_request_headers_kb": _MAX_HEADER_KIB,
            "request_headers_timeout": seconds(_HEAD_WAIT),
            # A Watch may be silent for as long as it likes, and so may who streams its requests.
            "request_timeout": "0s",
            "stream_idle_timeout": "0s",
            "stream_flush_timeout": seconds(_UNREAD),
            "common_http_protocol_options": {
                "idle_timeout": seconds(_IDLE_CONNECTION),
                "max_headers_count": _MAX_HEADERS,
                **lifetime,
            },
            "drain_timeout": seconds(_LAST_CALLS),
            # Old probes and balancers speak HTTP/1.0.
            "http_protocol_options": {
                "enable_trailers": True,
                "accept_http_10": True,
                "default_host_for_http_10": "localhost",
            },
            "http2_protocol_options": {
                "initial_stream_window_size": _STREAM_WINDOW,
                "initial_connection_window_size": _CONNECTION_WINDOW,
                "max_concurrent_streams": plan.max_streams,
                "max_header_field_size_kb": _MAX_HEADER_KIB,
                "connection_keepalive": {"interval": seconds(_PING_EVERY), "timeout": seconds(_PING_WAIT)},
                # A bad request ends its stream, not all those beside it.
                "override_stream_error_on_invalid_http_message": True,
                # All streams may be cancelled at once, and some all the time, beside others that go on: at the defaults a
                # connection is cut after 1,000 and 33 a second.
                "stream_reset_burst": 2 * plan.max_streams,
                "stream_reset_rate": _CANCELLED_A_SECOND,
            },
        },
    )
