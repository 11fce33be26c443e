"""A TCP proxy that can be told to be a bad network.

It runs in a thread with a loop of its own, so that a busy test does not distort it. Every method may be called from anywhere.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from tests.robustness.network import BLACKHOLE, CHUNK, DOWN, FINE, HALF_OPEN, Line, Network, Way

__all__ = ["BLACKHOLE", "DOWN", "FINE", "HALF_OPEN", "Network", "Proxy", "proxy"]

T = TypeVar("T")

# Lingering for no time at all makes a close a reset.
RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"


@dataclass
class Connection:
    """A client's connection, and the one to the server that belongs to it."""

    writers: list[asyncio.StreamWriter]
    ways: list[Way] = field(default_factory=list)
    never_arrived: bool = False

    @property
    def lost(self) -> bool:
        """Whether something is missing from it."""
        return self.never_arrived or any(way.lost for way in self.ways)

    def join(self, up: Way, down: Way) -> None:
        """Let each way know of the other."""
        self.ways = [up, down]
        up.opposite, down.opposite = down, up

    def reset(self) -> None:
        """Close both sides with RST, so that the peers know at once."""
        for writer in self.writers:
            with suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()


class Proxy:
    """Listens on `address` and passes on to *target*, both `host:port`."""

    def __init__(self, target: str, *, seed: int = 0) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._line = Line(seed)
        self._taken: set[asyncio.Task[None]] = set()
        self._open: dict[asyncio.Task[None], Connection] = {}
        # Never listens: keeps the port while nobody does.
        self._keeper = _bound(0)
        self._own_port = int(self._keeper.getsockname()[1])
        self.address = f"127.0.0.1:{self._own_port}"
        self._listener: socket.socket | None = None
        self._closing = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()
        self.set(FINE)

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._open)

    @property
    def lossy(self) -> int:
        """How many of them something is missing from."""
        return sum(connection.lost for connection in tuple(self._open.values()))

    def set(self, network: Network) -> None:
        """Make the network so, for connections that are open, too."""
        self._do(self._set(network))

    def cut(self) -> int:
        """Reset every connection; return how many there were."""
        return self._do(self._reset(lambda _: True))

    def cut_after(self, count: int, *, up: bool = False) -> None:
        """Reset the connection that brings the next *count* bytes down, or *up*, in the middle of whatever it is."""
        self._do(self._cut_after(count, up=up))

    def close(self) -> None:
        """Reset everything and stop listening."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join()
        self._keeper.close()

    def _do(self, work: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._until_closed())
        self._loop.close()

    async def _until_closed(self) -> None:
        await self._closing.wait()
        self._listen(listening=False)
        # Those that were just taken are not open yet.
        while asyncio.all_tasks() - {asyncio.current_task()}:
            await self._reset(lambda _: True)
            await asyncio.sleep(0)
        # Transports close in the turn after the one they were told in.
        await asyncio.sleep(0)

    async def _set(self, network: Network) -> None:
        self._line.change(network)
        self._listen(listening=not network.refuse)
        if network.refuse:
            await self._reset(lambda _: True)
        elif not network.swallows:
            await self._reset(lambda connection: connection.lost)

    def _listen(self, *, listening: bool) -> None:
        if listening and self._listener is None:
            self._listener = _bound(self._own_port)
            self._listener.setblocking(False)
            self._listener.listen(8192)
            self._loop.add_reader(self._listener, self._take, self._listener)
        elif not listening and self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _take(self, listener: socket.socket) -> None:
        # Not an asyncio.Server: one that closes loses sockets that it just took, and never closes them.
        with suppress(OSError):
            client, _ = listener.accept()
            client.setblocking(False)
            self._taken.add(self._loop.create_task(self._serve(client)))

    async def _cut_after(self, count: int, *, up: bool) -> None:
        self._line.cut_after[up] = count

    async def _reset(self, chosen: Callable[[Connection], bool]) -> int:
        those = [task for task, connection in self._open.items() if chosen(connection)]
        for task in those:
            self._open[task].reset()
            task.cancel()
        return len(those)

    async def _serve(self, client: socket.socket) -> None:
        task = asyncio.current_task()
        assert task is not None
        reader, writer = await asyncio.open_connection(sock=client)
        # From here on it can be reset, and not before.
        self._taken.discard(task)
        self._open[task] = connection = Connection([writer])
        try:
            if not self._line.network.refuse:
                await self._pass(connection, reader)
        except* OSError:
            pass
        finally:
            connection.reset()
            del self._open[task]

    async def _pass(self, connection: Connection, reader: asyncio.StreamReader) -> None:
        (writer,) = connection.writers
        server = await self._connect()
        if server is None:
            connection.never_arrived = True
            while await reader.read(CHUNK):
                pass
            return
        answers, upstream = server
        connection.writers.append(upstream)
        up, down = Way(self._line, reader, upstream, up=True), Way(self._line, answers, writer, up=False)
        connection.join(up, down)
        async with asyncio.TaskGroup() as tasks:
            for way in (up, down):
                tasks.create_task(way.read())
                tasks.create_task(way.deliver())

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Connect to the server; None when it never hears of that, or its refusal vanishes."""
        if self._line.network.swallow_up:
            return None
        try:
            answers, upstream = await asyncio.open_connection(self._host, self._port)
        except OSError:
            if self._line.network.swallow_down:
                return None
            raise
        # Nobody listens there, and the system gave this connection the very port it asked for.
        if upstream.get_extra_info("sockname") == upstream.get_extra_info("peername"):
            upstream.transport.abort()
            raise ConnectionRefusedError
        return answers, upstream


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


@contextmanager
def proxy(target: str, *, seed: int = 0) -> Iterator[Proxy]:
    """Lend a proxy to *target*."""
    running = Proxy(target, seed=seed)
    try:
        yield running
    finally:
        running.close()
