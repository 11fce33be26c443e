"""A bare grpc.aio server that sends what it is told to every open stream: the reference for Watch.

What is ready goes out as one message, as a server does that cares: one by one, a burst takes ten times as long.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import uvloop
from grpc import aio

WATCH = "/benchmarks.Fanout/Watch"
SEND = "/benchmarks.Fanout/Send"


class Fanout:
    """A list of messages, and the streams that follow it."""

    def __init__(self) -> None:
        self._messages: list[bytes] = []
        self._grew = asyncio.Event()

    async def watch(self, _request: bytes, _context: aio.ServicerContext[Any, Any]) -> AsyncIterator[bytes]:
        """Send one empty message, then everything that is sent from now on."""
        place = len(self._messages)
        yield b""
        while True:
            grew = self._grew
            while place < len(self._messages):
                ready = self._messages[place:]
                place += len(ready)
                yield ready[0] if len(ready) == 1 else b"".join(ready)
            await grew.wait()

    async def send(self, request: bytes, _context: aio.ServicerContext[Any, Any]) -> bytes:
        """Add a message."""
        self._messages.append(request)
        grew, self._grew = self._grew, asyncio.Event()
        grew.set()
        return b""


async def serve(port: int) -> None:
    """Serve until the process is stopped."""
    fanout = Fanout()
    server = aio.server(
        options=[
            ("grpc.server.max_pending_requests", 20_000),
            ("grpc.server.max_pending_requests_hard_limit", 40_000),
        ]
    )
    handlers = {
        "Watch": grpc.unary_stream_rpc_method_handler(fanout.watch),
        "Send": grpc.unary_unary_rpc_method_handler(fanout.send),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("benchmarks.Fanout", handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
