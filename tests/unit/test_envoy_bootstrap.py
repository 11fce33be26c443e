import json
from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from airegistry._rpc.asgi.last_words import ERROR_FIELD
from airegistry._rpc.edge import RateLimit, Tls
from airegistry._rpc.envoy.bootstrap import bootstrap
from airegistry._rpc.envoy.plan import Plan
from airegistry._rpc.envoy.tls import secrets
from airegistry._rpc.envoy.transcoding import descriptors, rest_prefixes, stream_paths

REGISTRY = ("airegistry.v1.RegistryService", "airegistry.v1.AnalyticsService")
GATEWAY = ("airegistry.v1.GatewayService",)
PLAN = Plan(
    app="registry.hosted:app",
    addresses=("127.0.0.1:50051",),
    pyvoy_module=Path("/lib/_pyvoy.so"),
    folder=Path("/run/registry"),
    services=REGISTRY,
)


def listener(plan):
    (only,) = bootstrap(plan)["static_resources"]["listeners"]
    return only


def chain(plan):
    (only,) = listener(plan)["filter_chains"]
    return only


def manager(plan):
    (only,) = chain(plan)["filters"]
    return only["typed_config"]


def filters(plan):
    return [one["name"].removeprefix("envoy.filters.http.") for one in manager(plan)["http_filters"]]


def test_it_is_json():
    assert json.loads(json.dumps(bootstrap(PLAN))) == bootstrap(PLAN)


def test_the_same_plan_gives_the_same_configuration():
    assert json.dumps(bootstrap(PLAN)) == json.dumps(bootstrap(replace(PLAN)))


def test_a_plan_that_asks_for_little_gets_little():
    assert filters(replace(PLAN, services=(), compression=False)) == ["grpc_web", "pyvoy"]


def test_filters_come_in_the_order_in_which_they_need_each_other():
    full = replace(PLAN, cors_origins=("*",), rate_limit=RateLimit(10, 10))
    compressors = ["compressor.gzip", "compressor.brotli", "compressor.zstd"]
    last = ["grpc_web", "lua", "grpc_json_transcoder", "pyvoy"]
    assert filters(full) == ["cors", "local_ratelimit", *compressors, *last]


def test_the_application_is_named_with_its_library():
    application = manager(PLAN)["http_filters"][-1]["typed_config"]
    assert application["terminal_filter"]
    assert application["dynamic_module_config"]["module"]["local"]["filename"] == "/lib/_pyvoy.so"
    assert json.loads(application["filter_config"]["value"])["app"] == "registry.hosted:app"


@pytest.mark.parametrize(
    ("address", "served"),
    [
        pytest.param("127.0.0.1:0", {"address": "127.0.0.1", "port_value": 0}, id="free"),
        pytest.param("[::1]:50051", {"address": "::1", "port_value": 50051}, id="v6"),
        pytest.param("[::]:1", {"address": "::", "port_value": 1, "ipv4_compat": True}, id="both-families"),
        pytest.param("localhost:1", {"address": "127.0.0.1", "port_value": 1}, id="by-name"),
    ],
)
def test_every_address_is_served_by_the_one_chain(address, served):
    only = listener(replace(PLAN, addresses=("127.0.0.1:50051", address)))
    assert only["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 50051}
    assert only["additional_addresses"] == [{"address": {"socket_address": served}}]
    assert len(only["filter_chains"]) == 1


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "shared"])
def test_a_port_is_shared_only_when_that_is_said(shared):
    assert listener(replace(PLAN, reuse_port=shared))["enable_reuse_port"] is shared


def test_nothing_but_the_listener_has_a_port():
    assert bootstrap(PLAN)["admin"] == {"address": {"pipe": {"path": "/run/registry/admin.sock", "mode": 0o600}}}
    assert json.dumps(bootstrap(PLAN)).count("port_value") == 1


def test_a_silent_stream_may_stay():
    assert manager(PLAN)["stream_idle_timeout"] == manager(PLAN)["request_timeout"] == "0s"


def test_connections_have_an_age_only_when_that_is_said():
    assert "max_connection_duration" not in manager(PLAN)["common_http_protocol_options"]
    aged = manager(replace(PLAN, max_connection_age=0.5))["common_http_protocol_options"]
    assert aged["max_connection_duration"] == "0.5s"


def test_everything_that_can_grow_is_bounded():
    monitors = bootstrap(replace(PLAN, max_connections=7))["overload_manager"]["resource_monitors"]
    assert [one["typed_config"]["max_active_downstream_connections"] for one in monitors] == [7]
    http2 = manager(PLAN)["http2_protocol_options"]
    # At least so many Watch streams must fit on one connection.
    assert 10_000 < http2["max_concurrent_streams"] < 100_000
    assert http2["initial_stream_window_size"] <= http2["initial_connection_window_size"] <= 1024 * 1024
    assert listener(PLAN)["per_connection_buffer_limit_bytes"] <= 1024 * 1024
    assert manager(PLAN)["max_request_headers_kb"] == http2["max_header_field_size_kb"] == 256
    assert manager(PLAN)["common_http_protocol_options"]["max_headers_count"] == 1_000


@pytest.mark.parametrize(
    ("services", "prefixes", "streams"),
    [
        pytest.param(
            REGISTRY,
            ["/registry/v1/"],
            ["/registry/v1/performance:watch", "/registry/v1/resources:watch"],
            id="registry",
        ),
        pytest.param(GATEWAY, ["/gateway/v1/"], ["/gateway/v1/invocations:invokeStream"], id="gateway"),
    ],
)
def test_paths_come_from_the_services(services, prefixes, streams):
    assert rest_prefixes(services) == prefixes
    assert sorted(set(stream_paths(services))) == streams
    assert not any("{" in path for path in streams)


@pytest.mark.parametrize("services", [REGISTRY, GATEWAY], ids=["registry", "gateway"])
def test_descriptors_are_whole_and_in_order(services):
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(descriptors(services)).file:
        # A file whose dependencies are not there yet would be an error.
        pool.AddSerializedFile(file.SerializeToString())
    status = pool.FindMessageTypeByName("google.rpc.Status")
    for detail in ("ErrorInfo", "BadRequest", "RetryInfo"):
        assert pool.FindMessageTypeByName(f"google.rpc.{detail}").fields
    for method in (method for name in services for method in pool.FindServiceByName(name).methods):
        error = method.output_type.fields_by_number.get(ERROR_FIELD)
        assert (error is not None) is method.server_streaming
        assert error is None or (error.name, error.message_type) == ("error", status)


def test_a_service_that_there_is_not_is_named():
    with pytest.raises(KeyError, match=r"airegistry\.v1\.Nothing"):
        descriptors(["airegistry.v1.Nothing"])


def test_no_certificate_is_in_the_configuration_but_where_it_is():
    planned = replace(PLAN, tls=Tls(Path("/tls/a.crt"), Path("/tls/a.key"), Path("/tls/ca.pem")))
    files = secrets(planned)
    assert sorted(path.name for path in files) == ["tls-clients.json", "tls-server.json"]
    (pair,) = files[Path("/run/registry/tls-server.json")]["resources"]
    assert pair["tls_certificate"]["private_key"] == {"filename": "/tls/a.key"}
    socket = chain(planned)["transport_socket"]["typed_config"]
    assert socket["require_client_certificate"]
    assert all(str(path) in json.dumps(socket) for path in files)


def test_without_an_authority_clients_need_no_certificate():
    planned = replace(PLAN, tls=Tls(Path("/tls/a.crt"), Path("/tls/a.key")))
    assert not chain(planned)["transport_socket"]["typed_config"]["require_client_certificate"]
    assert secrets(PLAN) == {}
    assert "transport_socket" not in chain(PLAN)


@pytest.mark.parametrize(
    ("per_second", "burst", "bucket"),
    [
        pytest.param(100, 200, (200, 10, 0.1), id="many"),
        pytest.param(2.5, 1, (1, 1, 0.4), id="few"),
        pytest.param(0.1, 5, (5, 1, 10), id="less-than-one"),
        pytest.param(14, 1, (1, 1, 1 / 14), id="uneven"),
        pytest.param(1e6, 1, (100_000, 100_000, 0.1), id="at-least-what-comes-at-once"),
    ],
)
def test_a_limit_is_filled_in_whole_requests(per_second, burst, bucket):
    limited = replace(PLAN, rate_limit=RateLimit(per_second, burst), compression=False)
    options = manager(limited)["http_filters"][0]["typed_config"]["token_bucket"]
    interval = float(options["fill_interval"].removesuffix("s"))
    assert (options["max_tokens"], options["tokens_per_fill"], pytest.approx(interval, abs=1e-5)) == bucket
    assert interval >= 0.05


def test_the_access_log_names_no_header_of_credentials_and_no_query():
    (log,) = manager(replace(PLAN, access_log="/var/log/access.log"))["access_log"]
    assert log["typed_config"]["path"] == "/var/log/access.log"
    said = json.dumps(log).lower()
    assert not any(word in said for word in ("authorization", "cookie", "api-key", "query", "path(wq", "(:path)"))
    assert manager(PLAN)["access_log"] == []


def test_a_call_meets_no_filter_that_is_only_for_others():
    full = replace(PLAN, cors_origins=("*",), rate_limit=RateLimit(10, 10))
    (host,) = manager(full)["route_config"]["virtual_hosts"]
    (route,) = (one for one in host["routes"] if "grpc" in one["match"])
    off = {name for name, options in route["typed_per_filter_config"].items() if options["disabled"]}
    met = [one["name"] for one in manager(full)["http_filters"] if one["name"] not in off and not one.get("disabled")]
    assert [name.removeprefix("envoy.filters.http.") for name in met] == ["cors", "local_ratelimit", "pyvoy"]
