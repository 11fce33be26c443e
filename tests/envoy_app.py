"""A small ASGI application that answers gRPC by hand, inside Envoy: what the bootstrap does is tested on it."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from google.rpc import error_details_pb2, status_pb2

from airegistry._rpc.envoy.transcoding import STREAM_ERROR_FIELD
from airegistry.v1 import registry_service_pb2 as pb

SERVICE = "airegistry.v1.RegistryService"
_GRPC = [(b"content-type", b"application/grpc")]


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    body = await _read(receive)
    answer = _ANSWERS.get(scope["path"], _echo)
    await answer(scope, body, send)


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


async def _get(_scope: Any, body: bytes, send: Any) -> None:
    request = pb.GetRequest.FromString(body[5:])
    if "missing" in request.name:
        await _refuse(send, _status(5, f"no model {request.name}", "NOT_FOUND"))
        return
    response = pb.GetResponse(revision=7)
    response.resource.name = request.name
    response.resource.labels.update({f"label-{number}": "a value" for number in range(100)})
    response.resource.model.display_name = "A model"
    await _begin(send)
    await _message(send, response.SerializeToString())
    await _end(send)


async def _register(_scope: Any, body: bytes, send: Any) -> None:
    request = pb.RegisterRequest.FromString(body[5:])
    await _begin(send)
    await _message(send, pb.RegisterResponse(revision=len(request.resources)).SerializeToString())
    await _end(send)


async def _watch(_scope: Any, body: bytes, send: Any) -> None:
    """Answer with as many bookmarks as `after_revision` says, one each tenth of a second; `resume_token` says how it ends."""
    request = pb.WatchRequest.FromString(body[5:])
    if request.resume_token == "refused":
        await _refuse(send, _status(11, "that was compacted", "REVISION_COMPACTED"))
        return
    await _begin(send)
    for revision in range(1, request.after_revision + 1):
        await _message(
            send,
            pb.WatchResponse(kind=pb.WATCH_RESPONSE_KIND_BOOKMARK, revision=revision).SerializeToString(),
            more=True,
        )
        await asyncio.sleep(0.1)
    if request.resume_token == "broken":
        status = _status(14, "the server stops", "UNAVAILABLE").SerializeToString()
        await _message(send, _field(STREAM_ERROR_FIELD, status))
        await _end(send, 14, "the server stops")
        return
    await send({"type": "http.response.body", "body": b""})
    await _end(send)


async def _flood(_scope: Any, _body: bytes, send: Any) -> None:
    """Send until the reader has had enough; how many bytes were taken shows on /flooded."""
    await _begin(send)
    message = pb.WatchResponse(resume_token="x" * 1000).SerializeToString()
    while True:
        await _message(send, message, more=True)
        _FLOODED["bytes"] += len(message) + 5


async def _flooded(_scope: Any, _body: bytes, send: Any) -> None:
    await _text(send, str(_FLOODED["bytes"]).encode())


async def _echo(scope: Any, body: bytes, send: Any) -> None:
    """Say what arrived."""
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "client": scope["client"][0],
        "headers": {name.decode(): value.decode() for name, value in scope["headers"]},
        "bytes": len(body),
        "padding": "x" * 2000,
    }
    await _text(send, json.dumps(seen).encode(), b"application/json")


async def _text(send: Any, body: bytes, kind: bytes = b"text/plain") -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body})


def _status(code: int, message: str, reason: str) -> status_pb2.Status:
    status = status_pb2.Status(code=code, message=message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="airegistry.dev"))
    violations = error_details_pb2.BadRequest()
    violations.field_violations.add(field="name", description="is not known")
    status.details.add().Pack(violations)
    return status


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])


async def _begin(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _GRPC, "trailers": True})


async def _message(send: Any, message: bytes, *, more: bool = False) -> None:
    frame = b"\0" + len(message).to_bytes(4, "big") + message
    await send({"type": "http.response.body", "body": frame, "more_body": more})


async def _end(send: Any, code: int = 0, message: str = "") -> None:
    trailers = [(b"grpc-status", str(code).encode())]
    if message:
        trailers.append((b"grpc-message", message.encode()))
    await send({"type": "http.response.trailers", "headers": trailers})


async def _refuse(send: Any, status: status_pb2.Status) -> None:
    """Answer with trailers alone, as servers do that refuse before the first message."""
    details = base64.b64encode(status.SerializeToString()).rstrip(b"=")
    headers = [
        *_GRPC,
        (b"grpc-status", str(status.code).encode()),
        (b"grpc-message", status.message.encode()),
        (b"grpc-status-details-bin", details),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


_FLOODED = {"bytes": 0}
_ANSWERS = {
    f"/{SERVICE}/Get": _get,
    f"/{SERVICE}/Register": _register,
    f"/{SERVICE}/Watch": _watch,
    f"/{SERVICE}/Discover": _flood,
    "/flooded": _flooded,
}
