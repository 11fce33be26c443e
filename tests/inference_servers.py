"""Servers of the Open Inference Protocol on loopback that behave as a test tells them."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc import aio

from airegistry.inference.v2 import inference_pb2 as pb
from tests.ports import free_address

TOKENS = ("One", " two", " three", " fo😀ur")


@dataclass
class Caller:
    """One call as the server sees it, and the way to answer it."""

    request: Any
    context: Any
    peer: str
    metadata: dict[str, Any]
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def texts(self) -> dict[str, bytes]:
        """The raw elements of each tensor, by its name."""
        return {
            tensor.name: raw for tensor, raw in zip(self.request.inputs, self.request.raw_input_contents, strict=True)
        }

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            name: getattr(value, value.WhichOneof("parameter_choice"))
            for name, value in self.request.parameters.items()
        }

    async def triton(self, response: Any) -> None:
        """Send a message of a stream, as Triton wraps it."""
        wrapped = pb.ModelStreamInferResponse(infer_response=response.SerializeToString())
        await self.context.write(wrapped.SerializeToString())

    async def failed(self, message: str) -> None:
        await self.context.write(pb.ModelStreamInferResponse(error_message=message).SerializeToString())

    async def mlserver(self, response: Any) -> None:
        """Send a message of a stream, as MLServer does."""
        await self.context.write(response.SerializeToString())

    async def until_gone(self) -> None:
        await asyncio.sleep(60)


Infer = Callable[[Caller], Awaitable[Any]]
Stream = Callable[[Caller], Awaitable[None]]


@dataclass
class Served:
    """A running server, and the calls that it saw."""

    url: str = ""
    seen: list[Caller] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)


@contextmanager
def noted(caller: Caller) -> Iterator[Caller]:
    """Note of a caller who goes away, whatever was being done for him."""
    try:
        yield caller
    except asyncio.CancelledError:
        caller.gone.set()
        raise


@asynccontextmanager
async def inference_server(
    infer: Infer | None = None, stream: Stream | None = None, *, tls: grpc.ServerCredentials | None = None
) -> AsyncIterator[Served]:
    """Run a server on a free port."""
    served = Served()

    def caller(data: bytes, context: Any) -> Caller:
        # Who called is asked while the call is there: gRPC does not survive the question afterwards.
        metadata = dict(context.invocation_metadata())
        seen = Caller(pb.ModelInferRequest.FromString(data), context, context.peer(), metadata)
        served.seen.append(seen)
        served.asked.set()
        return seen

    async def unary(data: bytes, context: Any) -> bytes:
        with noted(caller(data, context)) as seen:
            response: Any = await (infer or whole)(seen)
        return response if isinstance(response, bytes) else bytes(response.SerializeToString())

    async def streaming(_requests: Any, context: Any) -> None:
        with noted(caller(await context.read(), context)) as seen:
            await (stream or streamed)(seen)

    handlers: Any = {
        "ModelInfer": grpc.unary_unary_rpc_method_handler(unary),
        "ModelStreamInfer": grpc.stream_stream_rpc_method_handler(streaming),
    }
    server = aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("inference.GRPCInferenceService", handlers),))
    address = free_address()
    port = server.add_insecure_port(address) if tls is None else server.add_secure_port(address, tls)
    served.url = f"grpc://127.0.0.1:{port}" if tls is None else f"grpcs://localhost:{port}"
    await server.start()
    try:
        yield served
    finally:
        await server.stop(None)


def text(words: str | bytes, *, name: str = "text_output", **facts: str | int) -> Any:
    """Return a response with a text, and further tensors by name."""
    response = pb.ModelInferResponse(model_name="served", id="up-1")
    tensors: dict[str, tuple[str, bytes]] = {name: ("BYTES", _bytes(words))}
    for other, value in facts.items():
        tensors[other] = ("BYTES", _bytes(value)) if isinstance(value, str) else ("UINT32", struct.pack("<I", value))
    for other, (datatype, raw) in tensors.items():
        response.outputs.add(name=other, datatype=datatype, shape=[1])
        response.raw_output_contents.append(raw)
    return response


def _bytes(words: str | bytes) -> bytes:
    raw = words.encode() if isinstance(words, str) else words
    return struct.pack("<I", len(raw)) + raw


async def whole(_caller: Caller) -> Any:
    return text("".join(TOKENS), finish_reason="stop", num_input_tokens=10, num_output_tokens=4)


async def streamed(caller: Caller) -> None:
    for token in TOKENS:
        await caller.triton(text(token, finish_reason="None", num_input_tokens=10, num_output_tokens=1))
    await caller.triton(text("", finish_reason="stop", num_input_tokens=10, num_output_tokens=0))


def refusing(code: grpc.StatusCode, message: str, *, metadata: tuple[tuple[str, str], ...] = ()) -> Infer:
    """Refuse with a status, whole answers and streams alike."""

    async def refuse(caller: Caller) -> None:
        await caller.context.abort(code, message, metadata)

    return refuse
