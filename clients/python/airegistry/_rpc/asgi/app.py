"""Services as an ASGI application, which speaks gRPC."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from grpc import StatusCode

from airegistry._rpc.asgi.call import AsgiCall
from airegistry._rpc.asgi.ending import ending
from airegistry._rpc.asgi.framing import ENCODINGS
from airegistry._rpc.asgi.headers import CONTENT_TYPE, TRANSLATED, Pairs, is_grpc, timeout_of
from airegistry._rpc.asgi.inbox import Event
from airegistry._rpc.asgi.refusing import ProtocolError, expired
from airegistry._rpc.asgi.running import Running
from airegistry._rpc.carrier import CallObserver, Receive, Send
from airegistry._rpc.carrying import MAX_RECEIVE_BYTES, sending
from airegistry._rpc.pieces import Pieces
from airegistry._rpc.service import Method, Service, write
from airegistry.errors import CanceledError, UnavailableError

Answer = Callable[[AsgiCall], Awaitable[None]]

# When a peer may ask again, in seconds: soon, for another server answers it.
_STOPPED_RETRY = 1.0
_ACCEPTED = (b"grpc-accept-encoding", b"identity,deflate,gzip")
# What of an answer is written as JSON here; a larger one holds the loop up for too long, where it is the first of its kind.
_MOST_TO_WRITE = 64 * 1024
# What of a request is read as JSON in the loop: some milliseconds.
_MOST_TO_READ = 64 * 1024
_NOTHING = {"type": "http.response.body", "body": b""}


class GrpcApp:
    """Serves gRPC calls for an ASGI server that has HTTP/2 and trailers. Every call is told to *observer*.

    Answers longer than *compress_above* bytes go out with gzip, to peers that take it; None compresses nothing.
    """

    def __init__(
        self,
        services: Sequence[Service],
        observer: CallObserver,
        *,
        max_receive_bytes: int = MAX_RECEIVE_BYTES,
        compress_above: int | None = None,
    ) -> None:
        self._answers = {method.path: _answer(method) for service in services for method in service.methods}
        self._observer = observer
        self._limit = max_receive_bytes
        self._compress_above = compress_above
        self._running = Running()
        self._stopping = False
        self._empty = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """How many calls run."""
        return len(self._running)

    async def drain(self, seconds: float) -> None:
        """Refuse new calls, give the running ones so many seconds, then end them; return when none is left."""
        self._stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._emptied()
        for call in self._running:
            call.end(_stopped())
        await self._emptied()

    def __call__(self, scope: Event, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Serve one call. What only its beginning needs is not held by its coroutine: a stream may live for long."""
        head: dict[bytes, bytes] = dict(scope["headers"])
        kind = head.get(b"content-type", b"")
        if kind != b"application/grpc" and not is_grpc(kind):
            return _answer_plainly(send, 415)
        try:
            answer = self._answer_to(scope["path"])
            call = self._opened(scope, head, receive, send)
        except (ProtocolError, UnavailableError) as error:
            return _refuse(send, ending(error, scope["path"])[1])
        return self._carry(call, answer)

    def _answer_to(self, path: str) -> Answer:
        answer = self._answers.get(path)
        if answer is None:
            raise ProtocolError(StatusCode.UNIMPLEMENTED, "Method not found!")
        if self._stopping:
            raise _stopped()
        return answer

    def _opened(self, scope: Event, head: Mapping[bytes, bytes], receive: Receive, send: Send) -> AsgiCall:
        """Return the call that *head* begins, or raise ProtocolError."""
        call = AsgiCall(
            scope,
            receive,
            send,
            limit=self._limit,
            encoding=_encoding(head[b"grpc-encoding"]) if b"grpc-encoding" in head else b"identity",
            compress_above=None if self._compress_above is None else self._compression_for(head),
        )
        call.translated = TRANSLATED in head
        if b"grpc-timeout" in head:
            call.deadline = call.began + _timeout(head[b"grpc-timeout"])
        return call

    async def _carry(self, call: AsgiCall, answer: Answer) -> None:
        """Run the handler, and end the call as it ended."""
        path = call.method
        call.task = _this_task()
        self._observer.call_started(path)
        self._running.add(call)
        code = "OK"
        try:
            await answer(call)
        except asyncio.CancelledError:
            code = await _interrupted(call)
        except Exception as error:  # noqa: BLE001 - strangers' exceptions stop here
            code = await _failed(call, error)
        finally:
            call.release()
            self._running.remove(call)
            self._observer.call_ended(path, code, time.monotonic() - call.began)
            if self._stopping and not self._running:
                self._empty.set()

    async def _emptied(self) -> None:
        """Wait until no call runs."""
        self._empty.clear()
        if self._running:
            await self._empty.wait()

    def _compression_for(self, head: Mapping[bytes, bytes]) -> int | None:
        return self._compress_above if b"gzip" in head.get(b"grpc-accept-encoding", b"") else None


def _answer(method: Method) -> Answer:
    """Return what serves a call of *method*: everything but its end, where that is no good one."""
    if method.stream is not None:
        return _streaming(method)
    return _unary(method)


def _unary(method: Method) -> Answer:
    handle, read, json = method.unary, method.read, method.json
    assert handle is not None  # noqa: S101 - the caller looked

    async def answer(call: AsgiCall) -> None:
        request = read(await _asked(call, method) if call.translated else await call.request())
        answered = await handle(request, call)
        message = answered if type(answered) is Pieces else write(answered)
        if json is not None and call.translated and len(message) <= _MOST_TO_WRITE:
            await call.finish_in_json(json(message))
        else:
            await call.finish(write(message))

    async def answer_requests(call: AsgiCall) -> None:
        await call.finish(write(await handle(call.requests(read), call)))

    return answer_requests if method.streamed_request else answer


def _streaming(method: Method) -> Answer:
    assert method.stream is not None  # noqa: S101 - the caller looked
    send, read = sending(method.stream), method.read

    async def answer(call: AsgiCall) -> None:
        await send(read(await _asked(call, method)), call)
        await call.finish_sending()

    async def answer_requests(call: AsgiCall) -> None:
        await send(call.requests(read), call)
        await call.finish_sending()

    return answer_requests if method.streamed_request else answer


async def _asked(call: AsgiCall, method: Method) -> bytes:
    """Return the serialized request; one with a body in JSON is read first, in a thread where that takes long."""
    data = await call.request()
    if not call.translated or (from_json := method.from_json) is None:
        return data
    return from_json(data) if len(data) <= _MOST_TO_READ else await asyncio.to_thread(from_json, data)


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a server runs each call in one
    return task


async def _interrupted(call: AsgiCall) -> str:
    """End a call whose handler was cancelled, and return its code."""
    if call.task.cancelling() and not call.cancelled():
        # By who stops the loop, not by us.
        raise asyncio.CancelledError
    return await _failed(call, CanceledError("the server cancelled the call"))


async def _failed(call: AsgiCall, error: Exception) -> str:
    """End a call by *error*, or by what ended it before, and return its code."""
    code, trailers = ending(call.ended or error, call.method)
    if call.gone:
        return "CANCELLED"
    await call.close(trailers)
    return code


def _timeout(value: bytes) -> float:
    seconds = timeout_of(value)
    if seconds <= 0:
        raise expired()
    return seconds


def _encoding(name: bytes) -> bytes:
    if name not in ENCODINGS:
        shown = name.decode("latin-1")[:100]
        raise ProtocolError(StatusCode.UNIMPLEMENTED, f"the server does not know the compression {shown!r}")
    return name


def _stopped() -> UnavailableError:
    return UnavailableError("the server is stopping", retry_after=_STOPPED_RETRY)


async def _refuse(send: Send, trailers: Pairs) -> None:
    """Answer with nothing but a status. It says, too, how requests may be compressed: that may be why."""
    with contextlib.suppress(OSError):
        await send({"type": "http.response.start", "status": 200, "headers": [CONTENT_TYPE, _ACCEPTED, *trailers]})
        await send(_NOTHING)


async def _answer_plainly(send: Send, status: int) -> None:
    with contextlib.suppress(OSError):
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send(_NOTHING)
