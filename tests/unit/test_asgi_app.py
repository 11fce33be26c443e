"""gRPC over ASGI in the hands of a plain server, whose `receive` and `send` are coroutines."""

import asyncio
import gc
import logging
import weakref
from typing import Any

import pytest

from airegistry._rpc.asgi.app import GrpcApp
from airegistry._rpc.asgi.framing import frame
from airegistry._rpc.asgi.inbox import Inbox
from airegistry._rpc.asgi.incoming import Incoming
from airegistry._rpc.service import Method, Service
from airegistry.errors import NotFoundError, UnavailableError
from tests.waiting import until

LIMIT = 100


class Observer:
    def __init__(self) -> None:
        self.codes: list[str] = []

    def call_started(self, method: str) -> None:
        self.codes.append(f"{method.rpartition('/')[2]} started")

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        assert method.startswith("/t.T/")
        assert 0 <= seconds < 60
        self.codes.append(code)


class Scope(dict[str, Any]):
    """A dictionary that can be watched."""


class Exchange:
    """One request, as a server sees it: what it says, and what the application answers."""

    def __init__(self, method: str, *bodies: bytes, **headers: str) -> None:
        named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.scope = Scope(type="http", path=f"/t.T/{method}", headers=[(b"content-type", b"application/grpc"), *named])
        self.events: list[Any] = []
        self.left = asyncio.Event()
        self.receive_last = True
        self.pause = 0.0
        self._asked = False
        self._bodies = list(bodies)

    async def receive(self) -> Any:
        assert not self._asked, "a server need not answer two at a time"
        self._asked = True
        try:
            return await self._next()
        finally:
            self._asked = False

    async def _next(self) -> Any:
        await asyncio.sleep(self.pause)
        if len(self._bodies) > (not self.receive_last):
            body = self._bodies.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(self._bodies)}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, event: Any) -> None:
        await asyncio.sleep(0)
        if self.left.is_set():
            raise OSError("nobody is there")
        self.events.append(event)

    @property
    def types(self) -> list[str]:
        return [event["type"].rpartition(".")[2] for event in self.events]

    @property
    def status(self) -> Any:
        last = dict(self.events[-1].get("headers", ())) or dict(self.events[0]["headers"])
        return last.get(b"grpc-status"), last.get(b"grpc-message", b"").decode()


async def ok(request, call):
    return request


async def missing(request, call):
    raise NotFoundError("not here")


async def broken(request, call):
    raise KeyError("secret")


async def sleep(request, call):
    await asyncio.sleep(30)


async def stubborn(request, call):
    """Answer, though it was cancelled."""
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        return b"nevertheless"


async def sulky(request, call):
    """Fail when it is cancelled."""
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        raise KeyError("secret") from None


async def slow(requests, call):
    """Read nothing for a while, then everything."""
    await asyncio.sleep(0.3)
    return b" ".join([request async for request in requests])


async def ends_itself(request, call):
    call.end(UnavailableError("enough"))
    return b"too late"


async def large(request, call):
    return LARGE[: int(request)]


async def three(request, call):
    for number in range(3):
        yield b"%d" % number


async def endless(request, call):
    while True:
        yield b"x"


METHODS = {
    "Ok": ok,
    "Missing": missing,
    "Broken": broken,
    "Sleep": sleep,
    "Stubborn": stubborn,
    "Ends": ends_itself,
    "Sulky": sulky,
    "Large": large,
}
JSON = {"Ok": lambda message: b'{"said":"%b"}' % message, "Missing": bytes, "Ends": bytes, "Large": bytes}
LARGE = b"x" * 65_537
STREAMS = {"Three": three, "Endless": endless}


def made(observer=None):
    unary = [Method(name, f"/t.T/{name}", bytes, unary=handle, json=JSON.get(name)) for name, handle in METHODS.items()]
    streams = [Method(name, f"/t.T/{name}", bytes, stream=handle) for name, handle in STREAMS.items()]
    slowly = Method("Slow", "/t.T/Slow", bytes, unary=slow, streamed_request=True)
    return GrpcApp([Service("t.T", (*unary, *streams, slowly))], observer or Observer(), max_receive_bytes=LIMIT)


async def answered(exchange, app=None):
    async with asyncio.timeout(10):
        await (app or made())(exchange.scope, exchange.receive, exchange.send)
    return exchange


async def test_an_answer_is_a_start_a_body_and_trailers():
    got = await answered(Exchange("Ok", frame(b"a")))
    assert got.types == ["start", "body", "trailers"]
    assert got.events[1]["body"] == frame(b"a")
    assert got.status == (b"0", "")


async def test_a_stream_is_a_body_for_each_message():
    got = await answered(Exchange("Three", frame(b"")))
    assert got.types == ["start", *["body"] * 4, "trailers"]
    assert [event["body"] for event in got.events[1:5]] == [frame(b"0"), frame(b"1"), frame(b"2"), b""]
    assert [event.get("more_body", False) for event in got.events[1:5]] == [True, True, True, False]


async def test_an_error_without_messages_is_all_in_the_start():
    got = await answered(Exchange("Missing", frame(b"")))
    assert got.types == ["start", "body"]
    assert not got.events[0]["trailers"]
    assert got.status == (b"5", "not here")


async def test_a_message_beyond_the_limit_is_refused_though_it_came_whole():
    assert (await answered(Exchange("Ok", frame(b"x" * LIMIT)))).status == (b"0", "")
    got = await answered(Exchange("Ok", frame(b"x" * (LIMIT + 1))))
    assert got.status == (b"8", "SERVER: Received message larger than max (101 vs. 100)")


async def test_a_request_of_nothing_is_refused():
    assert (await answered(Exchange("Ok", b""))).status[0] == b"12"


async def test_a_request_that_comes_slowly_is_read_by_nobody_else():
    """The peer is asked for while its request is still on its way."""
    exchange = Exchange("Ok", b"\0\0", b"\0\0", b"\3abc")
    exchange.pause = 0.15
    assert (await answered(exchange)).events[1]["body"] == frame(b"abc")


async def test_a_streamed_request_that_is_read_slowly_loses_nothing():
    got = await answered(Exchange("Slow", frame(b"a"), frame(b"b") + frame(b"c"), frame(b"d"), b""))
    assert got.events[1]["body"] == frame(b"a b c d")


@pytest.mark.parametrize(
    ("method", "headers", "status", "told"),
    [
        pytest.param("Ok", {}, b"0", ["Ok started", "OK"], id="ok"),
        pytest.param("Missing", {}, b"5", ["Missing started", "NOT_FOUND"], id="error"),
        pytest.param("Broken", {}, b"13", ["Broken started", "INTERNAL"], id="unexpected"),
        pytest.param("Sleep", {"grpc_timeout": "20m"}, b"4", ["Sleep started", "DEADLINE_EXCEEDED"], id="late"),
        pytest.param(
            "Stubborn", {"grpc_timeout": "20m"}, b"4", ["Stubborn started", "DEADLINE_EXCEEDED"], id="stubborn"
        ),
        pytest.param(
            "Endless", {"grpc_timeout": "20m"}, b"4", ["Endless started", "DEADLINE_EXCEEDED"], id="stream-late"
        ),
        pytest.param("Ends", {}, b"14", ["Ends started", "UNAVAILABLE"], id="ended"),
        pytest.param("Ok", {"grpc_timeout": "0S"}, b"4", [], id="too-late"),
        pytest.param("Nothing", {}, b"12", [], id="unknown"),
    ],
)
async def test_every_end_is_told_and_leaves_nothing_behind(method, headers, status, told, monkeypatch):
    # A log record that is kept has the frames of its error.
    monkeypatch.setattr(logging.getLogger("airegistry._rpc.carrying"), "disabled", True)
    observer = Observer()
    app = made(observer)
    exchange = Exchange(method, frame(b""), **headers)
    await answered(exchange, app)
    assert exchange.status[0] == status
    assert observer.codes == told
    assert app.in_flight == 0
    gone = weakref.ref(exchange.scope)
    # By counting alone: the garbage collector of a server seldom runs.
    gc.disable()
    try:
        del exchange
        for _ in range(3):
            await asyncio.sleep(0)
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("method", ["Sleep", "Endless", "Stubborn", "Sulky"])
async def test_a_handler_is_cancelled_when_its_peer_leaves_and_nothing_is_sent_any_more(method):
    observer = Observer()
    app = made(observer)
    exchange = Exchange(method, frame(b""))
    asyncio.get_running_loop().call_later(0.1, exchange.left.set)
    task = asyncio.ensure_future(answered(exchange, app))
    await task
    assert observer.codes == [f"{method} started", "CANCELLED"]
    assert "trailers" not in exchange.types
    assert app.in_flight == 0


@pytest.mark.parametrize("bodies", [(), (b"\0\0", b"\0", b"")], ids=["nothing", "a-part"])
async def test_a_peer_that_leaves_before_it_said_what_it_wants_is_no_error(bodies):
    observer = Observer()
    exchange = Exchange("Ok", *bodies)
    # Its last part never comes.
    exchange.receive_last = False
    asyncio.get_running_loop().call_later(0.05, exchange.left.set)
    await answered(exchange, made(observer))
    assert observer.codes == ["Ok started", "CANCELLED"]
    assert not exchange.events


@pytest.mark.parametrize("method", ["Ok", "Missing", "Three"])
@pytest.mark.parametrize("ends", [True, False], ids=["soon", "never"])
async def test_an_answer_ends_when_its_request_has_ended_unless_that_takes_long(method, ends, monkeypatch):
    exchange = Exchange(method, frame(b""), b"")
    exchange.pause, exchange.receive_last = 0.1, ends
    ended_with = []

    async def send(event):
        if event["type"] == "http.response.trailers" or event.get("trailers") is False:
            ended_with.append(len(exchange._bodies))
        exchange.events.append(event)

    monkeypatch.setattr(exchange, "send", send)
    await answered(exchange)
    assert exchange.status[0] == (b"5" if method == "Missing" else b"0")
    assert ended_with == [0 if ends else 1]


class Futures(Exchange):
    """A server as pyvoy is one: it gives futures, and completes them later, so that nobody else may."""

    def __init__(self, method: str, *bodies: bytes, **headers: str) -> None:
        super().__init__(method, *bodies, **headers)
        self.given: list[Any] = []

    def receive(self) -> Any:
        return self._give(super().receive())

    def send(self, event: Any) -> Any:
        self.events.append(event)
        if event["type"] == "http.response.trailers" or event.get("trailers") is False:
            # The answer is out, and with it the request is over.
            self.left.set()
        return self._give(self._taken()) if event.get("more_body") else _nothing()

    async def _taken(self) -> None:
        await self.left.wait()

    def _give(self, working: Any) -> Any:
        future = asyncio.get_running_loop().create_future()
        self.given.append(future)
        asyncio.ensure_future(working).add_done_callback(lambda task: future.set_result(task.result()))
        return future


async def _nothing() -> None:
    pass


@pytest.mark.parametrize(
    ("method", "bodies"),
    [
        pytest.param("Ok", (), id="waits-for-its-request"),
        pytest.param("Slow", (frame(b"a"),), id="waits-for-more"),
        pytest.param("Endless", (frame(b""),), id="waits-for-its-peer-to-read"),
        pytest.param("Sleep", (frame(b""),), id="works"),
    ],
)
async def test_futures_of_the_server_are_never_cancelled(method, bodies):
    exchange = Futures(method, *bodies, *([b""] if method == "Slow" else []), grpc_timeout="400m")
    exchange.receive_last = method != "Slow"
    await answered(exchange)
    assert exchange.status[0] == b"4"
    exchange.left.set()
    await asyncio.sleep(0.05)
    assert exchange.given
    assert [future.cancelled() for future in exchange.given] == [False] * len(exchange.given)
    assert all(future.done() for future in exchange.given)


async def says_little(request, call):
    """Say one thing, and nothing more."""
    yield b"x"
    await asyncio.sleep(30)


def was_taken(future):
    return future.done() and future.result() is None


async def test_a_silent_stream_holds_nothing_of_its_beginning_nor_of_what_its_peer_took(monkeypatch):
    monkeypatch.setitem(STREAMS, "Silent", says_little)
    exchange = Futures("Silent", frame(b""))
    monkeypatch.setattr(exchange, "_taken", _nothing)
    scope, serving = weakref.ref(exchange.scope), asyncio.ensure_future(answered(exchange))
    await until(lambda: any(map(was_taken, exchange.given)))
    del exchange.scope
    taken = next(weakref.ref(future) for future in exchange.given if was_taken(future))
    exchange.given.clear()
    # It is asked whether it is still there.
    await asyncio.sleep(0.2)
    await until(lambda: (scope(), taken()) == (None, None))
    assert exchange.types == ["start", "body"]
    exchange.left.set()
    await serving


@pytest.mark.parametrize(
    ("kind", "hooks"),
    [
        pytest.param(Inbox, {"peer_left"}, id="inbox"),
        pytest.param(Incoming, {"peer_left", "cancelled"}, id="incoming"),
    ],
)
def test_what_a_request_is_read_for_must_say_what_comes_of_its_peer(kind, hooks):
    with pytest.raises(TypeError, match="abstract"):
        type("Half", (kind,), {})(None)
    assert kind.__abstractmethods__ == hooks
