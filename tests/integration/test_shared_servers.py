import asyncio
import socket
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2
from grpc import StatusCode, aio
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from airegistry._rpc.channelz import channelz_service
from airegistry._rpc.health import HealthState, health_service
from airegistry._rpc.listening import ListenError, bind_shared, join_address
from airegistry._rpc.metrics import CallMetrics
from airegistry._rpc.reflection import reflection_services
from airegistry._rpc.serving import open_server
from tests.calls import EOF
from tests.ports import free_ports

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


# By name: the published type stubs are older than List.
HealthListRequest: Any = vars(health_pb2)["HealthListRequest"]


def health_stub(channel) -> Any:
    return health_pb2_grpc.HealthStub(channel)


@asynccontextmanager
async def serving(*services, address="127.0.0.1:0"):
    server = await open_server(services, address, CallMetrics())
    try:
        async with aio.insecure_channel(server.address) as channel:
            yield channel
    finally:
        await server.close(5)


async def reflect(channel, version, *requests):
    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return [answer async for answer in call(iter(requests))]


async def test_health_is_checked_and_listed_by_service():
    state = HealthState()
    state.set("", True)
    state.set("one", False)
    async with serving(health_service(state)) as channel:
        stub = health_stub(channel)
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == SERVING
        listed = await stub.List(HealthListRequest())
        assert {name: each.status for name, each in listed.statuses.items()} == {"": SERVING, "one": NOT_SERVING}


async def test_health_of_an_unknown_service_is_not_found():
    async with serving(health_service(HealthState())) as channel:
        with pytest.raises(aio.AioRpcError) as caught:
            await health_stub(channel).Check(health_pb2.HealthCheckRequest(service="other"))
    assert caught.value.code() is StatusCode.NOT_FOUND


async def test_health_watch_tells_every_change_and_ends_on_close():
    state = HealthState()
    async with serving(health_service(state)) as channel:
        watch = health_stub(channel).Watch(health_pb2.HealthCheckRequest(service="one"))
        assert (await watch.read()).status == UNKNOWN
        state.set("one", True)
        assert (await watch.read()).status == SERVING
        state.close()
        assert (await watch.read()).status == NOT_SERVING
        assert await watch.read() is EOF
        assert await watch.code() is StatusCode.OK


async def test_a_stuck_health_watcher_delays_nobody():
    state = HealthState()
    async with serving(health_service(state)) as channel:
        stub = health_stub(channel)
        stuck = stub.Watch(health_pb2.HealthCheckRequest(service="one"))
        await stuck.read()
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="one"))
        await watch.read()
        for turn in range(2001):
            state.set("one", turn % 2 == 0)
        async with asyncio.timeout(20):
            while (await watch.read()).status != SERVING:
                pass
        stuck.cancel()
        state.close()


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_and_describes_services_with_their_imports(version):
    async with serving(health_service(HealthState()), *reflection_services(["grpc.health.v1.Health"])) as channel:
        listed, described, own = await reflect(
            channel,
            version,
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol="google.api.http"),
            reflection_pb2.ServerReflectionRequest(
                file_containing_symbol=f"grpc.reflection.{version}.ServerReflectionRequest"
            ),
        )
    names = [service.name for service in listed.list_services_response.service]
    assert names == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    ]
    files = map(descriptor_pb2.FileDescriptorProto.FromString, described.file_descriptor_response.file_descriptor_proto)
    assert {"google/api/annotations.proto", "google/api/http.proto", "google/protobuf/descriptor.proto"} == {
        file.name for file in files
    }
    (own_file,) = own.file_descriptor_response.file_descriptor_proto
    assert descriptor_pb2.FileDescriptorProto.FromString(own_file).package == f"grpc.reflection.{version}"


async def test_reflection_finds_extensions_and_says_what_it_does_not_know():
    number = annotations_pb2.http.number
    extension = reflection_pb2.ExtensionRequest(
        containing_type="google.protobuf.MethodOptions", extension_number=number
    )
    async with serving(*reflection_services([])) as channel:
        found, numbers, missing, nothing = await reflect(
            channel,
            "v1",
            reflection_pb2.ServerReflectionRequest(file_containing_extension=extension),
            reflection_pb2.ServerReflectionRequest(all_extension_numbers_of_type="google.protobuf.MethodOptions"),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol="no.such.Thing"),
            reflection_pb2.ServerReflectionRequest(),
        )
    assert found.file_descriptor_response.file_descriptor_proto
    assert number in numbers.all_extension_numbers_response.extension_number
    assert missing.error_response.error_code == StatusCode.NOT_FOUND.value[0]
    assert nothing.error_response.error_code == StatusCode.INVALID_ARGUMENT.value[0]


async def test_reflection_finds_the_file_of_a_method_and_refuses_one_that_is_not_there():
    async with serving(*reflection_services([])) as channel:
        found, missing = await reflect(
            channel,
            "v1",
            reflection_pb2.ServerReflectionRequest(file_containing_symbol="grpc.health.v1.Health.Check"),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol="grpc.health.v1.Health.Guess"),
        )
    (file,) = found.file_descriptor_response.file_descriptor_proto
    assert descriptor_pb2.FileDescriptorProto.FromString(file).package == "grpc.health.v1"
    assert missing.error_response.error_code == StatusCode.NOT_FOUND.value[0]


async def test_channelz_shows_the_server_and_its_sockets():
    async with serving(channelz_service()) as channel:
        stub = channelz_pb2_grpc.ChannelzStub(channel)
        servers = await stub.GetServers(channelz_pb2.GetServersRequest())
        assert any(server.listen_socket for server in servers.server)
        with pytest.raises(aio.AioRpcError) as caught:
            await stub.GetServer(channelz_pb2.GetServerRequest(server_id=2**40))
        assert caught.value.code() is StatusCode.NOT_FOUND


async def test_a_port_in_use_is_one_clear_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ListenError, match=f"cannot listen on {address}: address already in use"):
            await open_server([], address, CallMetrics())


async def test_servers_share_a_port_only_when_all_of_them_mean_to():
    with bind_shared("127.0.0.1:0") as kept:
        address = join_address(*kept.getsockname())
        first = await open_server([health_service(HealthState())], address, CallMetrics(), reuse_port=True)
        second = await open_server([health_service(HealthState())], address, CallMetrics(), reuse_port=True)
        with pytest.raises(ListenError, match=f"cannot listen on {address}: address already in use"):
            await open_server([], address, CallMetrics())
        await first.close(0)
        # What keeps the port is no listener: every connection comes to the server that is left.
        for _ in range(20):
            async with aio.insecure_channel(address) as channel:
                assert await health_stub(channel).List(HealthListRequest(), timeout=10)
        await second.close(0)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"], ids=["any", "any-v6", "public"])
async def test_nobody_listens_beyond_loopback_by_accident(address):
    with pytest.raises(ListenError, match="AIREGISTRY_INSECURE"):
        await open_server([], address, CallMetrics())


async def test_an_open_server_can_be_asked_for():
    server = await open_server([], "0.0.0.0:0", CallMetrics(), insecure=True)
    assert server.address.startswith("0.0.0.0:")
    await server.close(0)


@pytest.mark.parametrize("address", ["", "localhost", ":1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:x"])
async def test_a_malformed_address_is_named(address):
    with pytest.raises(ListenError, match="must be host:port"):
        await open_server([], address, CallMetrics())


@pytest.mark.parametrize("steps", [1, 2])
async def test_a_start_that_is_cancelled_lets_go_of_the_port(steps):
    (port,) = free_ports(1)
    starting = asyncio.create_task(open_server([], f"127.0.0.1:{port}", CallMetrics()))
    for _ in range(steps):
        await asyncio.sleep(0)
    starting.cancel()
    (outcome,) = await asyncio.gather(starting, return_exceptions=True)
    assert isinstance(outcome, asyncio.CancelledError)
    with socket.create_server(("127.0.0.1", port)):
        pass
