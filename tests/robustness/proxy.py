"""A TCP proxy that can be told to be a bad network.

It runs in a thread with a loop of its own, so that a busy test does not distort it. Every method may be called from anywhere.
"""

import asyncio
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

CHUNK = 64 * 1024


@dataclass(frozen=True)
class Network:
    """How the network is. Unset: as it should be.

    `delay` is in seconds each way, `jitter` what may be added to it. `swallow_up` and `swallow_down` let bytes vanish on
    their way to the server and back, while connections stay open: half-open when only one of them is set. `rate` is in
    bytes per second each way. `refuse` closes new connections at once.
    """

    delay: float = 0.0
    jitter: float = 0.0
    swallow_up: bool = False
    swallow_down: bool = False
    rate: float = 0.0
    refuse: bool = False


FINE = Network()
BLACKHOLE = Network(swallow_up=True, swallow_down=True)
HALF_OPEN = Network(swallow_down=True)
DOWN = Network(refuse=True)


class Proxy:
    """Listens on `address` and passes on to *target*, both `host:port`."""

    def __init__(self, target: str, *, seed: int = 0) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._rng = random.Random(seed)
        self._network = FINE
        self._cut_after: int | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=8192)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def set(self, network: Network) -> None:
        """Make the network so, for connections that are open, too."""
        self._do(lambda: setattr(self, "_network", network))

    def cut(self) -> int:
        """Reset every connection; return how many there were."""
        return int(self._do(self._reset_all))

    def cut_after(self, count: int) -> None:
        """Reset the connection that brings the next *count* bytes down, in the middle of whatever it is."""
        self._do(lambda: setattr(self, "_cut_after", count))

    def close(self) -> None:
        """Reset everything and stop listening."""
        if self._thread.is_alive():
            self._do(self._reset_all)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._listener.close()

    def _do(self, function):
        done = asyncio.run_coroutine_threadsafe(_call(function), self._loop)
        return done.result(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, sock=self._listener, backlog=8192))
        self._loop.run_forever()
        server.close()
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self._loop.close()

    def _reset_all(self) -> int:
        count = len(self._open)
        for task, writer in list(self._open.items()):
            _reset(writer)
            task.cancel()
        return count

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        upstream: asyncio.StreamWriter | None = None
        try:
            if self._network.refuse:
                return
            answers, upstream = await asyncio.open_connection(self._host, self._port)
            await asyncio.gather(self._pass(reader, upstream, up=True), self._pass(answers, writer, up=False))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for one in (writer, upstream):
                if one is not None:
                    _reset(one)
            self._open.pop(task, None)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, up: bool) -> None:
        while data := await source.read(CHUNK):
            network = self._network
            if network.delay or network.jitter:
                await asyncio.sleep(network.delay + self._rng.random() * network.jitter)
            if network.rate:
                await asyncio.sleep(len(data) / network.rate)
            if not up:
                data = self._counted(data)
            # As it is now, not as it was when the bytes came.
            if self._network.swallow_up if up else self._network.swallow_down:
                continue
            sink.write(data)
            await sink.drain()
            if not up and self._cut_after == 0:
                self._cut_after = None
                raise ConnectionResetError
        with suppress(OSError):
            sink.write_eof()

    def _counted(self, data: bytes) -> bytes:
        if self._cut_after is None:
            return data
        data = data[: self._cut_after]
        self._cut_after -= len(data)
        return data


async def _call(function):
    return function()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, so that the peer knows at once."""
    with suppress(OSError, AttributeError):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()


@contextmanager
def proxy(target: str, *, seed: int = 0) -> Iterator[Proxy]:
    """Lend a proxy to *target*."""
    running = Proxy(target, seed=seed)
    try:
        yield running
    finally:
        running.close()
