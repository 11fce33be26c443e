"""A small application that answers calls and requests inside Envoy: what the bootstrap does is tested on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from airegistry._rpc.asgi.app import GrpcApp
from airegistry._rpc.asgi.headers import is_grpc
from airegistry._rpc.call import Call
from airegistry._rpc.service import service
from airegistry.errors import CompactedError, FieldViolation, InvalidArgumentError, UnavailableError
from airegistry.v1 import registry_service_pb2 as pb

_LARGE = pb.WatchResponse(resume_token="x" * 1000).SerializeToString()
SERVICE = "airegistry.v1.RegistryService"


class Handlers:
    """Some calls of the registry."""

    flooded = 0

    async def get(self, request: pb.GetRequest, _call: Call) -> pb.GetResponse:
        if "wrong" in request.name:
            raise InvalidArgumentError(
                f"no such name: {request.name}", violations=[FieldViolation("name", "is not known")]
            )
        response = pb.GetResponse(revision=7)
        response.resource.name = request.name
        response.resource.labels.update({f"label-{number}": "a value" for number in range(100)})
        response.resource.model.display_name = "A model"
        return response

    async def register(self, request: pb.RegisterRequest, _call: Call) -> pb.RegisterResponse:
        return pb.RegisterResponse(revision=len(request.resources))

    async def watch(self, request: pb.WatchRequest, _call: Call) -> AsyncIterator[pb.WatchResponse | bytes]:
        """Answer so many bookmarks as `after_revision` says, one each tenth of a second. `resume_token` says
        how it ends."""
        if request.resume_token == "refused":
            raise CompactedError("that was compacted")
        while request.resume_token == "flood":
            yield _LARGE
            self.flooded += len(_LARGE)
        for revision in range(1, request.after_revision + 1):
            yield pb.WatchResponse(kind=pb.WATCH_RESPONSE_KIND_BOOKMARK, revision=revision)
            await asyncio.sleep(0.1)
        if request.resume_token == "broken":
            raise UnavailableError("the server stops")


class Observer:
    """Counts nothing."""

    def call_started(self, method: str) -> None: ...

    def call_ended(self, method: str, code: str, seconds: float) -> None: ...


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif any(name == b"content-type" and is_grpc(value) for name, value in scope["headers"]):
        await _calls(scope, receive, send)
    else:
        await _echo(scope, await _read(receive), send)


async def _live(receive: Any, send: Any) -> None:
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return


async def _read(receive: Any) -> bytes:
    body = bytearray()
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            return bytes(body)
        body += event.get("body", b"")
        if not event.get("more_body"):
            return bytes(body)


async def _echo(scope: Any, body: bytes, send: Any) -> None:
    """Say what arrived."""
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "client": scope["client"][0],
        "headers": {name.decode(): value.decode() for name, value in scope["headers"]},
        "bytes": len(body),
        "flooded": _handlers.flooded,
        "padding": "x" * 2000,
    }
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})


_handlers = Handlers()
_calls = GrpcApp([service(pb.DESCRIPTOR.services_by_name["RegistryService"], _handlers)], Observer())
