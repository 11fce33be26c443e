"""One HTTP/1.1 connection to a provider: a request out, its answer as it comes, and then the next."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

import httptools

from airegistry.errors import ProviderConnectionError, ProviderError
from airegistry.invoke.transport.tls import tls_failed
from airegistry.routing.error_classes import RESET

_PIECE = 256 * 1024
_FULL = 256 * 1024
_FIRST_FINAL_STATUS = 200


def broken(when: str) -> ProviderConnectionError:
    """Return the error for a connection that stood and broke."""
    return ProviderConnectionError(f"the connection broke {when}", metadata={"connection": RESET})


class Connection(asyncio.Protocol):
    """One request at a time: `ask`, then `read` until it is empty.

    Reads no further than a little ahead of its reader. Whoever waits may be cancelled and wait again.
    """

    def __init__(self, max_header_bytes: int, lost: Callable[[Connection], None]) -> None:
        self._max_header_bytes = max_header_bytes
        self._lost = lost
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._writable = True
        self._asked = False
        self._cut = False
        self.open = False
        self.idle_since = 0.0
        self._begin()

    def _begin(self) -> None:
        self._names: dict[str, str] = {}
        self._head_bytes = 0
        self._in_body = False
        self._framed = False
        self._keeps = False
        self._stray = False
        self._pieces: list[bytes] = []
        self._held = 0
        self._paused = False
        # Made when it is raised: kept with its traceback it would hold whoever waited, and so itself.
        self._failure: Callable[[], ProviderError] | None = None
        self.status = 0
        self.complete = False

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer, their names in lower case; of a name that comes twice the last."""
        return self._names

    @property
    def reusable(self) -> bool:
        """Whether the next request may follow: the answer is over, and so is its request."""
        return self.complete and self.open and self._keeps and not self._cut

    @property
    def read_whole(self) -> bool:
        """Whether the answer is over and all of it was read."""
        return self.complete and not self._pieces

    async def ask(self, head: bytes, body: bytes) -> None:
        """Write a request, and wait for the status and the headers of its answer."""
        self._begin()
        self._asked = True
        self._cut = len(body) > _PIECE
        if self._cut:
            await self._send_long(head, body)
        else:
            self._transport.write(head + body)
        while not self._in_body:
            if self._failure is not None:
                raise self._failure()
            await self._change()

    async def _send_long(self, head: bytes, body: bytes) -> None:
        """Write a request piece by piece. It stops when its answer comes before its end."""
        self._transport.write(head)
        rest = memoryview(body)
        while rest and self._wanted():
            self._transport.write(bytes(rest[:_PIECE]))
            rest = rest[_PIECE:]
            while self._wanted() and not self._writable:
                await self._change()
        self._cut = bool(rest)

    def _wanted(self) -> bool:
        return self.open and not self._in_body

    async def read(self) -> bytes:
        """Return all of the body that is there, waiting for the first; empty at the end."""
        while not self._pieces:
            if self.complete:
                return b""
            if self._failure is not None:
                raise self._failure()
            await self._change()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces, self._held = [], 0
        if self._paused and self.open:
            self._paused = False
            self._transport.resume_reading()
        return data

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self.open = False
        self._transport.abort()

    async def _change(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, failure: Callable[[], ProviderError]) -> None:
        if self._failure is None:
            self._failure = failure
        self.abort()
        self._wake()

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.Transport", transport)
        self.open = True

    def connection_lost(self, error: Exception | None) -> None:
        """Decide what the end of the connection means for the answer."""
        self.open = False
        # It knows this connection, as this knows it: only the garbage collector would find the two, with all that is unread.
        del self._parser
        if self._in_body and not self._framed and error is None and self._failure is None:
            self.complete = True
        elif not self.complete and self._failure is None:
            self._failure = self._end(error)
        self._lost(self)
        self._wake()

    def _end(self, error: Exception | None) -> Callable[[], ProviderError]:
        # A refused key pair shows only after the handshake.
        if isinstance(error, ssl.SSLError):
            return partial(tls_failed, error)
        return partial(broken, "in the middle of the answer" if self._in_body else "before the answer")

    def pause_writing(self) -> None:
        """Note that the other side does not keep up."""
        self._writable = False

    def resume_writing(self) -> None:
        """Go on writing."""
        self._writable = True
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Take what came. What nobody asked for ends the connection."""
        if self.complete or not self._asked:
            self.abort()
            return
        if not self._in_body:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._stray = True
        if self._stray:
            self._strayed()
        elif not self._in_body and self._head_bytes > self._max_header_bytes:
            self._refuse_headers()
        elif self._held > _FULL:
            self._hold()
        self._wake()

    def _hold(self) -> None:
        """Let the other side wait while much of the answer waits for its reader."""
        if self.open and not (self.complete or self._paused):
            self._paused = True
            self._transport.pause_reading()

    def _strayed(self) -> None:
        # What comes after the end is no part of the answer, which stays whole.
        if self.complete:
            self.abort()
        else:
            self._fail(partial(ProviderConnectionError, "the provider does not answer in proper HTTP"))

    def _refuse_headers(self) -> None:
        self._fail(
            partial(ProviderConnectionError, f"the answer's headers have more than {self._max_header_bytes} bytes")
        )

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header; what follows a body is not wanted."""
        if not self._in_body:
            self._names[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Begin the body, unless this is only a sign that the answer will come."""
        if self.complete:
            self._stray = True
            return
        status = self._parser.get_status_code()
        if status < _FIRST_FINAL_STATUS:
            self._names = {}
            return
        if sum(map(len, self._names)) + sum(map(len, self._names.values())) > self._max_header_bytes:
            self._refuse_headers()
            return
        self.status = status
        self._framed = "content-length" in self._names or "chunked" in self._names.get("transfer-encoding", "").lower()
        self._in_body = True

    def on_body(self, data: bytes) -> None:
        """Keep a piece for the reader."""
        if not self.complete:
            self._pieces.append(data)
            self._held += len(data)

    def on_message_complete(self) -> None:
        """End the answer."""
        self.complete = self._in_body
        self._keeps = self._parser.should_keep_alive()
