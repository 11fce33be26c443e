"""A provider that answers at once with 2 KiB, or with 200 events one by one, or with as many together."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import cast

import uvloop

WHOLE, PACED, BURST, COUNT = "/whole", "/paced", "/burst", "/connections"
EVENTS = 200
PAUSE = 0.004
"""Seconds between two events, so that each arrives alone."""

_EVENT = b"data: " + b'{"choices":[{"delta":"word %02d"}]}' % 7 + b"\n\n"
_HEAD = b"HTTP/1.1 200 OK\r\n"
ANSWER = json.dumps({"text": "word " * 406}).encode()
_WHOLE = _HEAD + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)
_STREAM = _HEAD + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNK = b"%x\r\n%s\r\n" % (len(_EVENT), _EVENT)
_LAST = b"0\r\n\r\n"


class Provider(asyncio.Protocol):
    """Enough HTTP/1.1 for a client that behaves."""

    made = 0

    def __init__(self) -> None:
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        self._transport = cast("asyncio.Transport", transport)
        Provider.made += 1

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head = self._waiting[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(self._waiting) < end + 4 + length:
                return
            self._waiting = self._waiting[end + 4 + length :]
            self._answer(head.split(b" ", 2)[1].decode())

    def _answer(self, path: str) -> None:
        if path == COUNT:
            made = b"%d" % Provider.made
            self._transport.write(_HEAD + b"content-length: %d\r\n\r\n%s" % (len(made), made))
        elif path == WHOLE:
            self._transport.write(_WHOLE)
        elif path == BURST:
            self._transport.write(_STREAM + CHUNK * EVENTS + _LAST)
        else:
            self._transport.write(_STREAM)
            self._next(EVENTS)

    def _next(self, left: int) -> None:
        if self._transport.is_closing():
            return
        if not left:
            self._transport.write(_LAST)
            return
        self._transport.write(CHUNK)
        asyncio.get_running_loop().call_later(PAUSE, self._next, left - 1)


async def serve(port: int) -> None:
    """Serve until the process is stopped."""
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
