"""A service as data: its methods, their handlers, and how their messages are read and written."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message

from airegistry._rpc.call import Call, Sink
from airegistry._rpc.pieces import Pieces
from airegistry._rpc.rest.requests import request_reader
from airegistry.errors import InvalidArgumentError, UnimplementedError

UnaryHandler = Callable[[Any, Call], Awaitable[Any]]
StreamHandler = Callable[[Any, Call], AsyncIterator[Any]] | Callable[[Any, Sink], Awaitable[None]]
WriteJson = Callable[[bytes | Pieces], bytes]
JsonWriters = Callable[[Descriptor], WriteJson | None]
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a service. `unary` or `stream` is set; a handler may answer with a message, its bytes, or `Pieces`.

    A stream is an async generator of answers, or a coroutine that sends them by itself (see `Sink`).

    Where the caller streams (`streamed_request`), the handler gets an async iterator of requests in place of the request.
    `json` writes a serialized answer as JSON, for carriers whose callers may want that; None leaves it to them. `from_json`
    makes the serialized request of one that carriers pass on with its body still in JSON; None where it has no body.
    """

    name: str
    path: str
    read: Callable[[bytes], Any]
    unary: UnaryHandler | None = None
    stream: StreamHandler | None = None
    streamed_request: bool = False
    json: WriteJson | None = None
    from_json: Callable[[bytes], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service and who handles it."""

    name: str
    methods: tuple[Method, ...]


def service(
    descriptor: ServiceDescriptor, handlers: object, *, raw: Collection[str] = (), json: JsonWriters | None = None
) -> Service:
    """Bind each method of *descriptor* to the snake_case method of *handlers*.

    A method without a handler answers UNIMPLEMENTED naming itself. The handlers of the methods in *raw* get the request
    as bytes. *json* says for each type of an answer what writes it as JSON.
    """
    methods = tuple(
        _method(method, handlers, raw=method.name in raw, json=json or _no_json) for method in descriptor.methods
    )
    return Service(descriptor.full_name, methods)


def reading(message: type[M]) -> Callable[[bytes], M]:
    """Return what reads a serialized *message*, or raises InvalidArgumentError when the bytes are none."""

    def read(data: bytes) -> M:
        try:
            return message.FromString(data)
        except DecodeError:
            raise InvalidArgumentError(f"the request is not a serialized {message.DESCRIPTOR.name}") from None

    return read


def write(response: Any) -> bytes:
    """Serialize a response, unless the handler already did."""
    if type(response) is bytes:
        return response
    return response.joined() if type(response) is Pieces else response.SerializeToString()


def snake_case(name: str) -> str:
    """Return `BatchDiscover` as `batch_discover`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _method(method: MethodDescriptor, handlers: object, *, raw: bool, json: JsonWriters) -> Method:
    path = f"/{method.containing_service.full_name}/{method.name}"
    read: Callable[[bytes], Any] = _identity if raw else reading(message_factory.GetMessageClass(method.input_type))
    handler = getattr(handlers, snake_case(method.name), None) or _unimplemented(path, stream=method.server_streaming)
    made = Method(method.name, path, read, streamed_request=method.client_streaming, from_json=request_reader(method))
    if method.server_streaming:
        return replace(made, stream=handler)
    return replace(made, unary=handler, json=json(method.output_type))


def _no_json(_answer: Descriptor) -> None:
    """Leave the answers of every type to the carrier."""


def _identity(data: bytes) -> bytes:
    return data


def _unimplemented(path: str, *, stream: bool) -> Any:
    async def refuse(_request: Any, _call: Call) -> Any:
        raise UnimplementedError(f"{path} is not implemented by this server")

    async def refuse_stream(request: Any, call: Call) -> AsyncIterator[Any]:
        yield await refuse(request, call)

    return refuse_stream if stream else refuse
