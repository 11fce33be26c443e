"""A registry and a gateway behind Envoys, asked by gRPC and by REST."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from google.protobuf import json_format, message_factory
from google.rpc import status_pb2
from grpc import aio

import gateway.app
import registry.app
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.registry_service_pb2_grpc import RegistryServiceStub
from gateway.app import Gateway
from gateway.config import Config as GatewayConfig
from registry.config import Config as RegistryConfig
from tests.bridge.carrier import BridgedCarrier
from tests.planes import ANYWHERE, until_revision
from tests.providers import Provider, ok, provider
from tests.rest_calls import Binding, rest_call
from tests.rest_cases import OWNER, Case, a, everything

# docs/rest.md says the same.
HTTP = {3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501, 13: 500, 14: 503, 16: 401}


@dataclass
class Plane:
    """Both servers inside Envoy, and the connections to them by package of the path."""

    provider: Provider
    channels: dict[str, Any]
    rest: dict[str, aiohttp.ClientSession]

    def channel(self, binding: Binding) -> Any:
        return self.channels[binding.template.split("/")[1]]

    def session(self, binding: Binding) -> aiohttp.ClientSession:
        return self.rest[binding.template.split("/")[1]]


@asynccontextmanager
async def plane_at(folder: Path) -> AsyncIterator[Plane]:
    """Run both, with everything that the cases ask for."""
    config = RegistryConfig(
        registry_address=ANYWHERE, registry_http_address=ANYWHERE, registry_drain=0.0, data_dir=folder
    )
    async with (
        provider(ok) as up,
        registry.app.serve(config, carrier=BridgedCarrier()) as control,
        _gateway(folder, control.address) as data,
        aio.insecure_channel(control.address) as to_registry,
        aio.insecure_channel(data.address) as to_gateway,
        aiohttp.ClientSession(f"http://{control.address}") as registry_http,
        aiohttp.ClientSession(f"http://{data.address}") as gateway_http,
    ):
        stub: Any = RegistryServiceStub(to_registry)
        await stub.Register(a(pb.RegisterRequest, resources=everything(up.url)))
        leased = {"name": "agents/leased", "agent": {}}
        done = await stub.Register(a(pb.RegisterRequest, resources=[leased], ownerId=OWNER, leaseTtl="3600s"))
        await until_revision(data.cache, done.revision)
        yield Plane(
            up, {"registry": to_registry, "gateway": to_gateway}, {"registry": registry_http, "gateway": gateway_http}
        )


def _gateway(folder: Path, address: str) -> AbstractAsyncContextManager[Gateway]:
    config = GatewayConfig(
        address=address,
        gateway_address=ANYWHERE,
        gateway_http_address=ANYWHERE,
        data_dir=folder,
        gateway_drain=0.0,
        gateway_learning=True,
        gateway_report=False,
    )
    return gateway.app.serve(config, carrier=BridgedCarrier())


async def by_grpc(channel: Any, binding: Binding, case: Case) -> Any:
    """Return what gRPC answers, as JSON: a message, the first ones of a stream, or a status."""
    method = binding.method
    call = channel.unary_stream if method.server_streaming else channel.unary_unary
    asked = call(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=type(case.request).SerializeToString,
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )(case.request)
    try:
        if not method.server_streaming:
            return json_format.MessageToDict(await asked)
        return [json_format.MessageToDict(one) async for one in _first(aiter(asked), case.messages)]
    except aio.AioRpcError as error:
        trailers: Any = error.trailing_metadata()
        return json_format.MessageToDict(status_pb2.Status.FromString(dict(trailers)["grpc-status-details-bin"]))
    finally:
        asked.cancel()


async def by_rest(
    session: aiohttp.ClientSession, binding: Binding, case: Case, accept: str = "application/json"
) -> Any:
    """Return what REST answers, likewise."""
    call = rest_call(binding, case.again or case.request)
    assert call is not None
    async with session.request(call.verb, call.path, data=call.body, headers={"accept": accept}) as answer:
        streamed = binding.method.server_streaming and answer.status == 200
        if streamed:
            events = accept == "text/event-stream"
            assert answer.content_type == (accept if events else "application/x-ndjson")
            lines = _data(answer.content) if events else aiter(answer.content)
            return [json.loads(line) async for line in _first(lines, case.messages)]
        shown = await answer.json()
        assert answer.status == (HTTP[shown["code"]] if "code" in shown else 200)
        return shown


async def _data(lines: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the data of server-sent events, each of which is one line and an empty one."""
    async for line in lines:
        if line.strip():
            assert line.startswith(b"data: ")
            yield line.removeprefix(b"data: ")


async def _first(messages: AsyncIterator[Any], count: int) -> AsyncIterator[Any]:
    async for message in messages:
        yield message
        count -= 1
        if count == 0:
            return
