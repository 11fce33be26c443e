"""Open many streams with grpc.aio, note when each change came to each of them, and tell when asked.

This is how Python clients see a server; watchers.go does the same at a fraction of the cost. receiver.py says which
commands both know.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import re
import sys
import time
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import lru_cache

import uvloop
from grpc import aio

from airegistry.v1 import registry_service_pb2 as pb

_MARKER = re.compile(rb"Watched number (\d{6})")
_CHANNEL_OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]


class Crowd:
    """All the watchers of one server."""

    def __init__(self, arguments: argparse.Namespace, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._address: str = arguments.address
        self._path: str = arguments.path
        self._request = base64.b64decode(arguments.request)
        self._open: bool = arguments.open
        self._last = [b""] * arguments.watchers
        self._channels: list[aio.Channel] = []
        self._channel_count: int = arguments.channels
        self._streams: list[asyncio.Task[None]] = []
        self._opening = 0
        self._opened = asyncio.Event()
        self._seen = array("q")
        self._awaited = 0
        self._came = asyncio.Event()

    async def watch(self, request: Callable[[int], bytes], *, after_first: bool) -> None:
        """Open all streams; with *after_first*, return when each has its first message."""
        self._channels = [
            aio.insecure_channel(self._address, options=_CHANNEL_OPTIONS) for _ in range(self._channel_count)
        ]
        self._opening = len(self._last)
        self._streams = [
            self._tasks.create_task(self._follow(number, request(number))) for number in range(len(self._last))
        ]
        if after_first:
            await self._opened.wait()

    async def obey(self, line: str) -> bytes:
        """Do what a command says, and return the answer."""
        match line.split():
            case ["wait", count, seconds]:
                self._awaited = int(count)
                self._came.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(float(seconds)):
                        while self._count() < self._awaited:
                            await self._came.wait()
                return b"%d\n" % self._count()
            case ["take"]:
                taken, self._seen = self._seen, array("q")
                return b"%d\n%b" % (len(taken) // 2, taken.tobytes())
            case ["cut"]:
                for stream in self._streams:
                    stream.cancel()
                await asyncio.gather(*self._streams, return_exceptions=True)
                for channel in self._channels:
                    await channel.close(None)
                return b"cut\n"
            case ["resume"]:
                await self.watch(self._resuming, after_first=False)
                return b"resumed\n"
            case _:
                raise ValueError(f"no such command: {line}")

    def first(self, _number: int) -> bytes:
        """Return the request of a stream that begins."""
        return self._request

    def _resuming(self, number: int) -> bytes:
        token = pb.WatchResponse.FromString(self._last[number]).resume_token
        return pb.WatchRequest(resume_token=token).SerializeToString()

    def _count(self) -> int:
        return len(self._seen) // 2

    async def _follow(self, number: int, request: bytes) -> None:
        async for message in self._stream(self._channels[number % self._channel_count], request):
            now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            self._last[number] = message
            for change in _changes(message):
                self._seen.append(change)
                self._seen.append(now)
            if self._count() >= self._awaited:
                self._came.set()
        raise EOFError(f"stream {number} ended")

    async def _stream(self, channel: aio.Channel, request: bytes) -> AsyncIterator[bytes]:
        if self._open:
            both = channel.stream_stream(self._path, None, None)(None)
            await both.write(request)
            messages = both.__aiter__()
        else:
            messages = channel.unary_stream(self._path, None, None)(request, wait_for_ready=True).__aiter__()
        yield await anext(messages)
        self._opening -= 1
        if self._opening == 0:
            self._opened.set()
        async for message in messages:
            yield message


@lru_cache(64)
def _changes(message: bytes) -> tuple[int, ...]:
    return tuple(map(int, _MARKER.findall(message)))


async def serve(arguments: argparse.Namespace) -> None:
    """Open the streams, and obey standard input until it ends."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    answers = sys.stdout.buffer
    # A stream that ends on its own ends the group, and the process.
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(arguments, tasks)
        await crowd.watch(crowd.first, after_first=True)
        answers.write(b"ready\n")
        answers.flush()
        while line := await lines.readline():
            answers.write(await crowd.obey(line.decode()))
            answers.flush()
        await crowd.obey("cut")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("--address", "--path", "--request"):
        parser.add_argument(name, required=True)
    parser.add_argument("--watchers", type=int, default=1)
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--open", action="store_true")
    uvloop.run(serve(parser.parse_args()))
