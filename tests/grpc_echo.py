"""An ASGI application for tests: a small gRPC service of plain bytes, and pages. It says what it saw of its callers."""

import asyncio
import contextlib
import json
import os
from collections import Counter
from typing import Any

from airegistry._rpc.asgi.app import GrpcApp
from airegistry._rpc.asgi.pages import Pages
from airegistry._rpc.health import HealthState, health_service
from airegistry._rpc.reflection import reflection_services
from airegistry._rpc.service import Method, Service
from airegistry.errors import FieldViolation, InvalidArgumentError, UnavailableError
from gateway.fronts.connection import CallerGoneError, read_body, while_connected

ECHO = "test.Echo"
LIMIT = 100_000
seen: Counter[str] = Counter()


class Observer:
    def call_started(self, method: str) -> None:
        seen[f"{method.rpartition('/')[2]} started"] += 1

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        assert 0 <= seconds < 60
        seen[f"{method.rpartition('/')[2]} {code}"] += 1


async def unary(request: bytes, _call: Any) -> bytes:
    return request


async def tell(_request: bytes, call: Any) -> bytes:
    """Return what the call knows of itself."""
    metadata = {key: value.hex() if isinstance(value, bytes) else value for key, value in call.metadata.items()}
    return json.dumps(
        {"method": call.method, "metadata": metadata, "peer": call.peer, "time_left": call.time_left()}
    ).encode()


async def fail(request: bytes, _call: Any) -> bytes:
    if request == b"unknown":
        raise RuntimeError("postgres://user:secret@db")
    if request == b"cancelled":
        raise asyncio.CancelledError
    raise InvalidArgumentError("100 % wrong: ü", violations=[FieldViolation("a.b", "is wrong")])


async def hang(request: bytes, call: Any) -> bytes:
    seen[f"{request.decode()} hangs"] += 1
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        seen[f"{request.decode()} cancelled {call.cancelled()}"] += 1
        raise
    return b""


async def count(request: bytes, _call: Any) -> Any:
    """Yield messages: so many, of so many bytes; then fail, if asked to."""
    wanted = json.loads(request)
    try:
        for number in range(wanted["messages"]):
            yield b"%d" % number + b"." * wanted["size"]
            seen[f"{wanted['name']} sent"] += 1
        if wanted.get("fail"):
            raise UnavailableError("no more of it", retry_after=2)
        if wanted.get("hang"):
            await asyncio.sleep(60)
    finally:
        seen[f"{wanted['name']} over"] += 1


async def stall(request: bytes, call: Any) -> None:
    """Send until the peer stops reading, then end the call from outside."""
    asyncio.get_running_loop().call_later(float(request), call.end, UnavailableError("nothing was read"))
    while True:
        await call.send(b"." * 50_000)
        seen["stall sent"] += 1


async def collect(requests: Any, _call: Any) -> bytes:
    sizes = [len(request) async for request in requests]
    return json.dumps(sizes).encode()


async def first(requests: Any, _call: Any) -> Any:
    """Answer after the first request, whatever still comes."""
    async for request in requests:
        return request
    return b""


async def chat(requests: Any, _call: Any) -> Any:
    async for request in requests:
        yield b"you said " + request
    yield b"bye"


async def journal(_request: bytes, _call: Any) -> bytes:
    return json.dumps(seen | {"in flight": grpc_app.in_flight}).encode()


async def drain(request: bytes, _call: Any) -> bytes:
    """Begin to drain, while this call runs."""
    task = asyncio.get_running_loop().create_task(grpc_app.drain(float(request)))
    task.add_done_callback(lambda _: seen.update(["drained"]))
    return b""


def _method(name: str, handle: Any, *, requests: bool = False, stream: bool = False) -> Method:
    handlers = {"stream": handle} if stream else {"unary": handle}
    return Method(name, f"/{ECHO}/{name}", bytes, **handlers, streamed_request=requests)


echo = Service(
    ECHO,
    (
        _method("Unary", unary),
        _method("Tell", tell),
        _method("Fail", fail),
        _method("Hang", hang),
        _method("Journal", journal),
        _method("Drain", drain),
        _method("Count", count, stream=True),
        _method("Stall", stall, stream=True),
        _method("Collect", collect, requests=True),
        _method("First", first, requests=True),
        _method("Chat", chat, requests=True, stream=True),
    ),
)
health = HealthState()
health.set("", True)
compress_above = os.environ.get("ECHO_COMPRESS_ABOVE")
grpc_app = GrpcApp(
    [echo, health_service(health), *reflection_services([ECHO, "grpc.health.v1.Health"])],
    Observer(),
    max_receive_bytes=LIMIT,
    compress_above=None if compress_above is None else int(compress_above),
)


async def page(scope: Any, receive: Any, send: Any) -> None:
    """Serve `/pages/NAME/PARTS`: answer with so many parts, or with none, ever. Who is brief gives up soon."""
    _, _, name, parts = scope["path"].split("/")
    with contextlib.suppress(CallerGoneError, TimeoutError):
        async with asyncio.timeout(1.0 if name.startswith("brief") else 60):
            await while_connected(*await _work(name, parts, receive, send))


async def _work(name: str, parts: str, receive: Any, send: Any) -> Any:
    body = await read_body(receive, most=1_000_000)

    async def counted() -> Any:
        event = await receive()
        seen[f"{name} {event['type']}"] += 1
        return event

    async def answer() -> None:
        seen[f"{name} begun"] += 1
        try:
            if parts == "0":
                await asyncio.sleep(60)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(int(parts)):
                await send({"type": "http.response.body", "body": body, "more_body": True})
                seen[f"{name} sent"] += 1
            await send({"type": "http.response.body", "body": b""})
        finally:
            seen[f"{name} over"] += 1

    return counted, answer()


pages = Pages(page)


async def app(scope: Any, receive: Any, send: Any) -> None:
    serve: Any = pages if scope["path"].startswith("/pages/") else grpc_app
    await serve(scope, receive, send)
