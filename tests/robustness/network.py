"""How a network is, and the way of bytes through it: nothing here opens a socket."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass

CHUNK = 16 * 1024
"""The most bytes that go together."""
ON_THE_WAY = 256
"""How many chunks may be on their way, each way of each connection: then the sender has to wait."""
TICK = 0.02
"""Seconds between two pieces of what a rate lets through."""


@dataclass(frozen=True)
class Network:
    """How the network is. Unset: as it should be.

    `delay` is in seconds each way, `jitter` what may be added to it; bytes never overtake each other. `rate` is in bytes per
    second each way. `refuse` resets what is open and refuses what is new. `swallow_up` and `swallow_down` let everything
    vanish on its way to the server and back, ends and resets too, while connections stay open: half-open when only one of
    them is set. A connection that lost something goes on losing, and is reset when the network swallows no more: no
    network loses bytes from the middle.
    """

    delay: float = 0.0
    jitter: float = 0.0
    swallow_up: bool = False
    swallow_down: bool = False
    rate: float = 0.0
    refuse: bool = False

    @property
    def swallows(self) -> bool:
        """Whether anything vanishes."""
        return self.swallow_up or self.swallow_down


FINE = Network()
BLACKHOLE = Network(swallow_up=True, swallow_down=True)
HALF_OPEN = Network(swallow_down=True)
DOWN = Network(refuse=True)


class Line:
    """What all connections have in common: how the network is, and when to cut."""

    def __init__(self, seed: int) -> None:
        self.network = FINE
        self.cut_after: dict[bool, int | None] = {True: None, False: None}
        self.rng = random.Random(seed)
        self._changed = asyncio.Event()

    def change(self, network: Network) -> None:
        """Make the network so, and wake who waits for a worse one."""
        self.network = network
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait for so long, or until the network changes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes, when they came, and how lucky they are; none are the end, in order or by a reset."""

    data: bytes
    came: float
    luck: float
    reset: bool = False


class Way:
    """One direction of one connection."""

    def __init__(self, line: Line, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, up: bool) -> None:
        self.lost = False
        self.opposite = self
        self._line = line
        self._source = source
        self._sink = sink
        self._up = up
        self._chunks: asyncio.Queue[Chunk] = asyncio.Queue(ON_THE_WAY)
        # So that draining waits until the kernel has everything.
        sink.transport.set_write_buffer_limits(0)

    @property
    def swallows(self) -> bool:
        """Whether what comes vanishes."""
        network = self._line.network
        return self.lost or (network.swallow_up if self._up else network.swallow_down)

    async def read(self) -> None:
        """Take what the source sends, as long as not too much is on its way."""
        data, reset = b"-", False
        while data:
            try:
                data = await self._source.read(CHUNK)
            except OSError:
                data, reset = b"", True
            now = asyncio.get_running_loop().time()
            await self._chunks.put(Chunk(data, now, self._line.rng.random(), reset))

    async def deliver(self) -> None:
        """Give the sink what was read, when its time has come. ConnectionResetError when the connection has to end."""
        while (chunk := await self._next()).data:
            await self._send(chunk.data)
        if self.swallows:
            self.lost = True
            await asyncio.Event().wait()
        if chunk.reset:
            raise ConnectionResetError
        with suppress(OSError):
            self._sink.write_eof()

    async def _next(self) -> Chunk:
        chunk = await self._chunks.get()
        while (left := self._due(chunk) - asyncio.get_running_loop().time()) > 0:
            await self._line.wait(left)
        return chunk

    def _due(self, chunk: Chunk) -> float:
        network = self._line.network
        return chunk.came + network.delay + chunk.luck * network.jitter

    async def _send(self, data: bytes) -> None:
        while data:
            rate = self._line.network.rate
            size = max(1, int(rate * TICK)) if rate else len(data)
            piece, data = data[:size], data[size:]
            if rate:
                await self._line.wait(len(piece) / rate)
            if self.swallows:
                self.lost = True
            else:
                await self._write(piece)

    async def _write(self, data: bytes) -> None:
        left = self._line.cut_after[self._up]
        if left is not None:
            data = data[:left]
            self._line.cut_after[self._up] = left = left - len(data)
        try:
            self._sink.write(data)
            await self._sink.drain()
        except OSError:
            # The sink is gone. Its word of that comes the opposite way, where it may vanish.
            if not self.opposite.swallows:
                raise
            self.lost = True
        if left == 0:
            self._line.cut_after[self._up] = None
            raise ConnectionResetError
