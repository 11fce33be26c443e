"""Calls that only Envoy takes, on the one port: the RPCs over REST and by gRPC-Web."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import Any

import aiohttp
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from airegistry.v1 import gateway_service_pb2 as pb
from tests import grpc_web
from tests.faults.calling import DEADLINE, Ask, Callers, Carrier, Got
from tests.faults.over_grpc import hear_all, invocation, told

_SERVICE = "/airegistry.v1.GatewayService"
_WAITING = aiohttp.ClientTimeout(DEADLINE)


async def rest_invoke(callers: Callers, ask: Ask) -> Got:
    async with _post_json(callers, "invoke", pb.InvokeRequest(invocation=invocation(ask))) as reply:
        said = await reply.read()
        return told(json_format.Parse(said, pb.InvokeResponse())) if reply.ok else _refused(json.loads(said), Got())


async def rest_stream(callers: Callers, ask: Ask, *, events: bool) -> Got:
    got = Got()
    request = pb.InvokeStreamRequest(invocation=invocation(ask))
    accept = "text/event-stream" if events else "application/x-ndjson"
    async with _post_json(callers, "invokeStream", request, accept=accept) as reply:
        said = await reply.read()
        if not reply.ok:
            return _refused(json.loads(said), got)
    for line in said.splitlines():
        _hear_line(json.loads(line.removeprefix(b"data: ")) if line else {}, got)
    return got


def _hear_line(value: dict[str, Any], got: Got) -> None:
    if "error" in value:
        assert not got.ended, "an error comes after the end"
        _refused(value["error"], got)
    else:
        hear_all(json_format.ParseDict(value, pb.InvokeStreamResponse()), got)


def _post_json(callers: Callers, what: str, request: Any, accept: str = "application/json") -> Any:
    return callers.http.post(
        f"/gateway/v1/invocations:{what}",
        data=json_format.MessageToJson(request),
        headers={"content-type": "application/json", "accept": accept},
        timeout=_WAITING,
    )


def _refused(status: dict[str, Any], got: Got) -> Got:
    """Note an error in JSON, which must say its reason."""
    (info,) = [detail for detail in status["details"] if "reason" in detail]
    got.reason, got.status = info["reason"], _name(status["code"])
    return got


async def web_invoke(callers: Callers, ask: Ask) -> Got:
    messages, trailers = await _ask(callers, "Invoke", pb.InvokeRequest(invocation=invocation(ask)))
    if trailers["grpc-status"] != "0":
        return _failed(trailers, Got())
    return told(pb.InvokeResponse.FromString(b"".join(messages)))


async def web_stream(callers: Callers, ask: Ask) -> Got:
    messages, trailers = await _ask(callers, "InvokeStream", pb.InvokeStreamRequest(invocation=invocation(ask)))
    got = Got()
    for message in messages:
        hear_all(pb.InvokeStreamResponse.FromString(message), got)
    return got if trailers["grpc-status"] == "0" else _failed(trailers, got)


async def _ask(callers: Callers, method: str, request: Any) -> tuple[list[bytes], dict[str, str]]:
    """Return the messages of an answer, and its trailers, which are in its head when there is nothing else."""
    body = grpc_web.frame(request.SerializeToString())
    async with callers.http.post(
        f"{_SERVICE}/{method}", data=body, headers=grpc_web.HEADERS, timeout=_WAITING
    ) as reply:
        assert reply.status == 200, reply.status
        found = list(grpc_web.frames(await reply.read()))
        messages = [content for flag, content in found if flag != grpc_web.TRAILERS]
        trailers = [grpc_web.trailers_in(content) for flag, content in found if flag == grpc_web.TRAILERS]
        return messages, trailers[0] if trailers else dict(reply.headers)


def _failed(trailers: dict[str, str], got: Got) -> Got:
    wire = trailers["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(base64.b64decode(wire + "=" * (-len(wire) % 4)))
    infos = [detail for detail in status.details if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)]
    (info,) = [error_details_pb2.ErrorInfo.FromString(detail.value) for detail in infos]
    got.reason, got.status = info.reason, _name(int(trailers["grpc-status"]))
    return got


def _name(code: int) -> str:
    return next(one.name for one in StatusCode if one.value[0] == code)


ENVOY = (
    Carrier("rest-invoke", rest_invoke, streamed=False),
    Carrier("rest-lines", partial(rest_stream, events=False), streamed=True),
    Carrier("rest-events", partial(rest_stream, events=True), streamed=True),
    Carrier("web-invoke", web_invoke, streamed=False),
    Carrier("web-stream", web_stream, streamed=True),
)
