"""What callers ask of a registry: one act each, which ends as it says or raises."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import aiohttp
import grpc
from google.protobuf import duration_pb2, json_format
from grpc import StatusCode, aio

from airegistry.v1 import endpoint_pb2, model_pb2, resource_pb2
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.registry_service_pb2_grpc import RegistryServiceStub
from tests import grpc_web
from tests.calls import EOF

DEADLINE = 20.0
MOST_NAMES = 20
MOST_LEASES = 8
"""When more are overdue at once, a registry does not believe it, and says so as an error."""
_LONG_ONES = 0.5
_WATCH = "/airegistry.v1.RegistryService/Watch"
_EVERY = duration_pb2.Duration(seconds=1)
"""Between bookmarks, which come when nobody registers anything any more."""
_LONG = 8_000
"""Characters of a description: some dozens of them are more than what may wait for a reader that stopped."""


@dataclass
class Registry:
    """Where it is, connections to it that are shared, and what makes each act another one."""

    address: str
    stub: Any
    http: aiohttp.ClientSession
    rng: random.Random
    numbers: count[int]

    def model(self) -> resource_pb2.Resource:
        """Return one of few models, as nobody has registered it before."""
        number = next(self.numbers)
        text = f"{number} ".ljust(_LONG if self.rng.random() < _LONG_ONES else 1, ".")
        return resource_pb2.Resource(name=f"models/soak-{number % MOST_NAMES}", model=model_pb2.Model(description=text))

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[Any]:
        """Lend a stub with a connection of its own, which is closed with what still runs on it.

        What it does not read for a stream is soon held back by the server.
        """
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.http2.bdp_probe", 0)]
        async with aio.insecure_channel(self.address, options) as channel:
            yield RegistryServiceStub(channel)

    async def begin(self) -> None:
        """Register the model whose endpoints come and go."""
        lasting = resource_pb2.Resource(name="models/soak-lasting", model=model_pb2.Model())
        await self.stub.Register(pb.RegisterRequest(resources=[lasting]), timeout=DEADLINE)

    async def some_time(self, most: float) -> None:
        """Wait, for *most* seconds at most."""
        await asyncio.sleep(self.rng.random() * most)


Act = Callable[[Registry], Awaitable[str]]


async def register(registry: Registry) -> str:
    request = pb.RegisterRequest(resources=[registry.model()])
    assert (await registry.stub.Register(request, timeout=DEADLINE)).revision
    return "registered"


async def leased(registry: Registry) -> str:
    """Register what goes when nobody renews it."""
    name = f"models/soak-lasting/endpoints/leased-{next(registry.numbers) % MOST_LEASES}"
    endpoint = endpoint_pb2.Endpoint(provider="soak", upstream_model="soak")
    request = pb.RegisterRequest(
        resources=[resource_pb2.Resource(name=name, endpoint=endpoint)],
        lease_ttl=duration_pb2.Duration(seconds=5),
        owner_id="soak-owner",
        take_over=True,
    )
    assert (await registry.stub.Register(request, timeout=DEADLINE)).revision
    return "leased"


async def discover(registry: Registry) -> str:
    answer = await registry.stub.Discover(pb.DiscoverRequest(limit=5), timeout=DEADLINE)
    assert answer.candidates
    return "discovered"


async def read(registry: Registry) -> str:
    answer = await registry.stub.List(pb.ListRequest(collection="models", page_size=50), timeout=DEADLINE)
    assert answer.resources
    return "listed"


async def refused(registry: Registry) -> str:
    for call, code in (
        (registry.stub.Get(pb.GetRequest(name="models/none"), timeout=DEADLINE), StatusCode.NOT_FOUND),
        (registry.stub.Register(pb.RegisterRequest(), timeout=DEADLINE), StatusCode.INVALID_ARGUMENT),
    ):
        assert await call.code() is code
    return "refused"


async def watch(registry: Registry) -> str:
    """Follow changes for a while, on the connection that all share."""
    call = registry.stub.Watch(pb.WatchRequest(bookmark_interval=_EVERY), timeout=DEADLINE)
    await _read_some(call, registry.rng.randrange(1, 10))
    call.cancel()
    return "watched, and cancelled"


async def watch_until_late(registry: Registry) -> str:
    """Follow changes until the call's own deadline."""
    call = registry.stub.Watch(pb.WatchRequest(bookmark_interval=_EVERY), timeout=0.2 + registry.rng.random())
    async for _ in _quietly(call):
        pass
    assert await call.code() is StatusCode.DEADLINE_EXCEEDED
    return "watched until its deadline"


async def watch_alone(registry: Registry) -> str:
    """Stop reading in the middle, and go with the connection."""
    async with registry.alone() as stub:
        calls = [stub.Watch(pb.WatchRequest(bookmark_interval=_EVERY)) for _ in range(3)]
        for call in calls:
            await _read_some(call, 1)
        await registry.some_time(8.0)
    return "stopped reading, and closed the connection"


async def watch_resumed(registry: Registry) -> str:
    """Go on where a stream was left."""
    call = registry.stub.Watch(pb.WatchRequest(bookmark_interval=_EVERY), timeout=DEADLINE)
    while not (token := (await _read_some(call, 1)).resume_token):
        pass
    call.cancel()
    again = registry.stub.Watch(pb.WatchRequest(resume_token=token, bookmark_interval=_EVERY), timeout=DEADLINE)
    await _read_some(again, 1)
    again.cancel()
    return "watched, and resumed"


async def cut(registry: Registry, cutting: Callable[[], Any]) -> str:
    """Lose the connection under calls that run; *registry* is one behind what cuts."""
    async with registry.alone() as stub:
        calls = [stub.Watch(pb.WatchRequest(bookmark_interval=_EVERY)), stub.List(pb.ListRequest(collection="models"))]
        readers = [asyncio.ensure_future(_until_it_ends(calls[0])), asyncio.ensure_future(_awaited(calls[1]))]
        await registry.some_time(0.5)
        left, until = set(readers), time.monotonic() + DEADLINE
        while left and time.monotonic() < until:
            # Again and again: the first one may come before there is a connection.
            await asyncio.to_thread(cutting)
            _, left = await asyncio.wait(left, timeout=0.5)
        assert not left, "a call outlived its connection"
        for reader in readers:
            reader.exception()
    return "cut"


async def rest_register(registry: Registry) -> str:
    body = json_format.MessageToJson(pb.RegisterRequest(resources=[registry.model()]))
    async with registry.http.post("/registry/v1/resources:register", data=body, headers=_JSON) as answer:
        assert answer.status == 200, await answer.text()
        assert int((await answer.json())["revision"])
    return "registered over REST"


async def rest_discover(registry: Registry) -> str:
    async with registry.http.get("/registry/v1/resources:discover?limit=5") as answer:
        assert (await answer.json())["candidates"], answer.status
    return "discovered over REST"


async def rest_refused(registry: Registry) -> str:
    for path, body, status in (
        ("/registry/v1/resources:register", b'{"resources": [{', 400),
        ("/registry/v1/resources:register", b"{}", 400),
        ("/registry/v1/models/none", None, 404),
    ):
        async with registry.http.request("GET" if body is None else "POST", path, data=body, headers=_JSON) as answer:
            assert answer.status == status, (path, answer.status, await answer.text())
            assert (await answer.json())["code"]
    return "refused over REST"


async def rest_watch(registry: Registry) -> str:
    """Read some lines, or events, and leave in the middle of the answer."""
    accept = registry.rng.choice(["application/x-ndjson", "text/event-stream"])
    async with registry.http.get(
        "/registry/v1/resources:watch?bookmarkInterval=1s", headers={"accept": accept}, timeout=_STREAM
    ) as answer:
        for _ in range(registry.rng.randrange(1, 6)):
            line = (await answer.content.readline()).removeprefix(b"data: ")
            assert not line.strip() or "error" not in json.loads(line)
        await registry.some_time(2.0)
    return "watched over REST, and left"


async def web_watch(registry: Registry) -> str:
    """Read some messages by gRPC-Web, and leave in the middle of the answer."""
    body = grpc_web.frame(pb.WatchRequest(bookmark_interval=_EVERY).SerializeToString())
    async with registry.http.post(_WATCH, data=body, headers=grpc_web.HEADERS, timeout=_STREAM) as answer:
        assert answer.status == 200
        for _ in range(registry.rng.randrange(1, 4)):
            head = await answer.content.readexactly(grpc_web.HEAD)
            message = await answer.content.readexactly(int.from_bytes(head[1:], "big"))
            assert head[0] == 0, message
            assert pb.WatchResponse.FromString(message).kind
        await registry.some_time(2.0)
    return "watched by gRPC-Web, and left"


_JSON = {"content-type": "application/json"}
_STREAM = aiohttp.ClientTimeout(None, sock_read=DEADLINE)

BY_GRPC: tuple[Act, ...] = (
    register,
    register,
    register,
    leased,
    discover,
    discover,
    read,
    refused,
    watch,
    watch_until_late,
    watch_alone,
    watch_resumed,
)
BY_ENVOY: tuple[Act, ...] = (rest_register, rest_discover, rest_refused, rest_watch, web_watch)


async def _read_some(call: Any, messages: int) -> Any:
    """Return the last of so many messages."""
    message = None
    async with asyncio.timeout(DEADLINE):
        for _ in range(messages):
            message = await call.read()
            assert message is not EOF
    return message


async def _until_it_ends(call: Any) -> None:
    async for _ in call:
        pass


async def _awaited(call: Any) -> Any:
    return await call


async def _quietly(call: Any) -> AsyncIterator[Any]:
    try:
        async for message in call:
            yield message
    except grpc.RpcError:
        return
