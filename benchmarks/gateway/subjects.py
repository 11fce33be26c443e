"""Who is called: a way to the provider, and the bytes of a call on that way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

from airegistry._rpc.post import CarrierName
from airegistry.v1 import chat_pb2, content_pb2, gateway_service_pb2
from benchmarks.processes import Server, gateway

FAST = "fast"
PACED = "paced"
MODELS = (FAST, PACED)
"""What the provider serves: whole answers and streams at once, and streams of a word every 10 ms."""

_PATH = "/v1/chat/completions"
_WORDS = "Say words."


@dataclass(frozen=True, slots=True)
class Subject:
    """A server, and where and how calls reach it. Without a server it is the provider itself."""

    name: str
    server: Server | None
    address: str
    headers: Mapping[str, str] = field(default_factory=dict)
    grpc: bool = False

    def method(self, *, stream: bool) -> str:
        """Return the gRPC method of a call; empty when it is an HTTP request."""
        return f"/airegistry.v1.GatewayService/{'InvokeStream' if stream else 'Invoke'}" if self.grpc else ""

    def request(self, model: str, *, stream: bool) -> bytes:
        """Return the bytes of a call: a message, or the whole HTTP request."""
        return _message(model, stream=stream) if self.grpc else self._http(model, stream=stream)

    def _http(self, model: str, *, stream: bool) -> bytes:
        messages = [{"role": "user", "content": _WORDS}]
        body = orjson.dumps({"model": model, "messages": messages, **({"stream": True} if stream else {})})
        headers = {
            "host": self.address,
            "content-type": "application/json",
            "authorization": "Bearer sk-none",
            **self.headers,
            "content-length": str(len(body)),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {_PATH} HTTP/1.1\r\n{lines}\r\n".encode() + body


@contextmanager
def ours(
    folder: Path, registry_address: str, *, carrier: CarrierName = "aio", name: str = "ours"
) -> Iterator[tuple[Subject, Subject]]:
    """Run our gateway with its defaults: as an OpenAI server, and over gRPC."""
    with gateway(folder, registry_address, carrier=carrier) as server:
        front = Subject(name, server, server.http)
        yield front, replace(front, name=f"{name}, gRPC", address=server.address, grpc=True)


def _message(model: str, *, stream: bool) -> bytes:
    text = content_pb2.ContentBlock(text=content_pb2.TextBlock(text=_WORDS))
    message = chat_pb2.Message(role=chat_pb2.ROLE_USER, content=[text])
    invocation = gateway_service_pb2.Invocation(model=model, chat=chat_pb2.ChatRequest(messages=[message]))
    if stream:
        return gateway_service_pb2.InvokeStreamRequest(invocation=invocation).SerializeToString()
    return gateway_service_pb2.InvokeRequest(invocation=invocation).SerializeToString()
