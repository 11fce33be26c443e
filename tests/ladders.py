"""Endpoints to climb to, and servers that say nothing, something else, or how they are by gRPC."""

import asyncio
from contextlib import asynccontextmanager

from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint, ProbeStep
from demo_backend.cards import CHAT, EMBEDDING
from registry.probes.climb import Level
from registry.probes.target import target_of
from tests.ports import free_port

OPEN = Auth(AuthMethod.NONE)
GOOD, POOR, BAD = Level
CONNECT, HANDSHAKE, HEALTH, REQUEST = ProbeStep


def endpoint(address, dialect="openai.chat", *, auth=OPEN, **facts):
    communication = Communication(dialect=dialect, auth=auth, **facts)
    return Endpoint(
        address=address,
        upstream_model=CHAT.id if dialect == "openai.chat" else EMBEDDING.id,
        communication=communication,
        credential="SOME_API_KEY" if auth is not OPEN else "",
    )


async def climbed(ladder, one, highest):
    """Probe an endpoint; return what is found, how good it is, and the reason."""
    target = target_of("", one)
    assert target is not None
    outcome = (await ladder.climb(target.place, one, highest)).outcome(highest)
    return outcome.step, outcome.level, outcome.reason


@asynccontextmanager
async def listener(behave, tls=None):
    """Serve connections with *behave* on a free port."""
    tasks: set[asyncio.Future[None]] = set()

    async def serve_one(reader, writer):
        try:
            await behave(reader, writer)
        finally:
            writer.close()

    def take(reader, writer):
        tasks.add(asyncio.ensure_future(serve_one(reader, writer)))

    server = await asyncio.start_server(take, "127.0.0.1", free_port(), ssl=tls)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def silent(reader, _writer):
    while await reader.read(1024):
        pass


class Health(health_pb2_grpc.HealthServicer):
    def __init__(self, answer=health_pb2.HealthCheckResponse.SERVING, error=None):
        self.answer = answer
        self.error = error
        self.hanging = asyncio.Event()

    async def Check(self, _request, context):  # noqa: N802 - as generated
        if self.error is not None:
            await context.abort(self.error, "a word of the peer")
        if self.answer is None:
            await self.hanging.wait()
        return health_pb2.HealthCheckResponse(status=self.answer)


@asynccontextmanager
async def grpc_server(health=None):
    server = aio.server()
    if health is not None:
        health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
