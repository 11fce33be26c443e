"""The steps of a scenario through Python's generated stubs: what other languages are compared with."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict, Parse
from google.rpc import status_pb2
from grpc import aio

from airegistry.v1 import gateway_service_pb2, registry_service_pb2
from tests.e2e.clients.scenario import Step

_MODULES = {"RegistryService": registry_service_pb2, "GatewayService": gateway_service_pb2}


class PythonClient:
    """Makes the calls of steps, and keeps what came of each."""

    def __init__(self, channels: Mapping[str, aio.Channel]) -> None:
        self.outcomes: list[dict[str, Any]] = []
        self._channels = channels
        self._token = ""

    async def play(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self.outcomes.append(await self._make(step))

    async def _make(self, step: Step) -> dict[str, Any]:
        outcome: dict[str, Any] = {"name": step["name"], "code": 0, "message": "", "details": [], "messages": []}
        call = self._call(step)
        try:
            async for message in _messages(call):
                outcome["messages"].append(MessageToDict(message))
                self._token = getattr(message, "resume_token", "") or self._token
                if len(outcome["messages"]) == 1:
                    await self.play(step.get("then", ()))
                if len(outcome["messages"]) == step.get("take"):
                    call.cancel()
        except asyncio.CancelledError:
            outcome["code"] = (await call.code()).value[0]
        except aio.AioRpcError as error:
            outcome |= {"code": error.code().value[0], "message": error.details(), "details": _details(error)}
        return outcome

    def _call(self, step: Step) -> Any:
        service, method = step["call"].split(".")
        descriptor = _MODULES[service].DESCRIPTOR.services_by_name[service].methods_by_name[method]
        request = Parse(
            json.dumps(step["request"]).replace("$token", self._token), descriptor.input_type._concrete_class()
        )
        channel = self._channels[service]
        kind = channel.unary_stream if descriptor.server_streaming else channel.unary_unary
        made = kind(
            f"/airegistry.v1.{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=descriptor.output_type._concrete_class.FromString,
        )
        return made(
            request,
            timeout=step.get("timeout"),
            metadata=[_entry(*pair) for pair in step.get("metadata", {}).items()],
            compression=grpc.Compression.Gzip if step.get("gzip") else grpc.Compression.NoCompression,
        )


async def outcomes(steps: Sequence[Step], registry: str, gateway: str) -> list[dict[str, Any]]:
    """Return what comes of *steps*."""
    async with aio.insecure_channel(registry) as one, aio.insecure_channel(gateway) as other:
        client = PythonClient({"RegistryService": one, "GatewayService": other})
        await client.play(steps)
        return client.outcomes


async def _messages(call: Any) -> AsyncIterator[Any]:
    if isinstance(call, aio.UnaryUnaryCall):
        yield await call
        return
    async for message in call:
        yield message


def _entry(key: str, value: str) -> tuple[str, str | bytes]:
    return key, base64.b64decode(value) if key.endswith("-bin") else value


def _details(error: Any) -> list[dict[str, Any]]:
    packed = [value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin"]
    return [MessageToDict(detail) for value in packed for detail in status_pb2.Status.FromString(bytes(value)).details]
