"""Processes behind the same ports: started, watched, started again when they die, and stopped together."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from airegistry._rpc.listening import ListenError, bind_shared, join_address, listen_on, split_address
from airegistry._rpc.post import Post
from airegistry._rpc.process import StartError, end, owned_tasks, run
from airegistry._rpc.seat import Seat
from airegistry.backoff import Backoff

log = logging.getLogger(__name__)

STEADY = 10.0
"""Seconds after which a worker that served counts as sound: the next restart does not wait for earlier failures."""

# Beyond the drain time, for what else a worker closes.
_STOPPING = 5.0


@dataclass(frozen=True, slots=True)
class Start:
    """How a worker is started: its command and its whole environment.

    One that is `leashed` ends when its standard input is closed, and is asked to stop by that; others get SIGTERM.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    leashed: bool = False


Starting = Callable[[Seat], Start]


@dataclass(frozen=True, slots=True)
class Stand:
    """The seats of workers that share ports, and the sockets that keep those for them, also while none of them runs."""

    kept: Sequence[socket.socket]
    seats: Sequence[Seat]

    def close(self) -> None:
        """Let go of the ports."""
        for kept in self.kept:
            kept.close()


def take_stand(post: Post) -> Stand:
    """Take the ports of a post and lay out the seats; ListenError when a port is taken."""
    with ExitStack() as stack:
        kept = [stack.enter_context(_keep(post.address, post))]
        if post.own_http_address:
            kept.append(stack.enter_context(_keep(post.http_address, post)))
        address, *shared_http = (join_address(*each.getsockname()[:2]) for each in kept)
        seats = [Seat(index, address, own or address, *shared_http) for index, own in enumerate(_own_addresses(post))]
        stack.pop_all()
    return Stand(kept, seats)


class WorkerEndedError(StartError):
    """A worker ended before it served. *who* it is."""

    def __init__(self, who: str, code: int) -> None:
        # With an exit code of its own the worker has said why, on the standard error that it shares with us.
        super().__init__("" if code > 0 else f"{who} ended before it served ({_ending(code)})")
        self.exit_code = max(code, 1)


class Workers:
    """The processes that share the ports. They are equals: the kernel gives each connection to one of them."""

    def __init__(self, stand: Stand, drain: float, starting: Starting) -> None:
        self._stand = stand
        self._drain = drain
        alone = len(stand.seats) == 1
        self._workers = [
            _Worker("the server" if alone else f"worker {seat.index}", seat, starting) for seat in stand.seats
        ]

    def run(self, name: str) -> int:
        """Keep the workers of the program *name* until a signal, and return the exit code.

        A second signal kills them. When this process dies they end by themselves.
        """
        return run(name, self.serve, abandon=self.kill)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Keep the workers for as long as the block runs. One that cannot even start cancels the block: StartError."""
        async with owned_tasks() as tasks, AsyncExitStack() as stack:
            stack.callback(self._stand.close)
            stack.push_async_callback(self._stop)
            stack.push_async_callback(end, tasks.create_task(self._keep()))
            yield

    def kill(self) -> None:
        """End all workers at once."""
        for worker in self._workers:
            worker.send(signal.SIGKILL)

    async def _keep(self) -> None:
        # One alone first: it may have a new database to set up, and what keeps all of them from starting is said once.
        first, *others = self._workers
        await first.start()
        await asyncio.gather(*(worker.start() for worker in others))
        if others:
            log.info("%d workers serve on %s", len(self._workers), self._stand.seats[0].address)
        async with asyncio.TaskGroup() as group:
            for worker in self._workers:
                group.create_task(worker.keep())

    async def _stop(self) -> None:
        for worker in self._workers:
            worker.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain + _STOPPING):
                await self._wait()
        self.kill()
        await self._wait()

    async def _wait(self) -> None:
        await asyncio.gather(*(worker.wait() for worker in self._workers))


class _Worker:
    """One process, and the one that takes its place when it ends. *who* it is, for people."""

    def __init__(self, who: str, seat: Seat, starting: Starting) -> None:
        self._who = who
        self._seat = seat
        self._starting = starting
        self._leashed = False
        self._process: asyncio.subprocess.Process | None = None
        self._serving_since = 0.0

    async def start(self) -> None:
        """Start it and wait until it serves; WorkerEndedError when it ends instead."""
        start = self._starting(self._seat)
        self._leashed = start.leashed
        self._process = await asyncio.create_subprocess_exec(
            *start.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**start.environment, **self._seat.environment},
            # Ctrl-C in a terminal reaches only this process, which tells the workers once.
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101 - piped above
        if not await self._process.stdout.readline():
            raise WorkerEndedError(self._who, await self._process.wait())
        self._serving_since = time.monotonic()

    async def keep(self) -> None:
        """Start it again whenever it ends, without an end."""
        backoff = Backoff()
        while True:
            code = await self.wait()
            if time.monotonic() - self._serving_since > STEADY:
                backoff.reset()
            delay = backoff.next()
            log.error("%s ended (%s); starting it again in %.1f s", self._who, _ending(code), delay)
            await asyncio.sleep(delay)
            try:
                await self.start()
            except WorkerEndedError:
                pass
            except OSError:
                # Out of memory or processes, say: what is left goes on.
                log.exception("%s cannot be started", self._who)

    async def wait(self) -> int:
        """Wait until it has ended and return its exit code."""
        return 0 if self._process is None else await self._process.wait()

    def stop(self) -> None:
        """Ask it to stop when what it is doing is done."""
        if not self._leashed:
            self.send(signal.SIGTERM)
        elif self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, when it runs."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


def _keep(address: str, post: Post) -> socket.socket:
    """Return what keeps an address for the workers of a post."""
    _notice(address, post)
    return bind_shared(address, insecure=post.insecure)


def _notice(address: str, post: Post) -> None:
    """Raise ListenError when another server is there: shared ports let in every process of this user."""
    if split_address(address)[1] != 0:
        listen_on(address, insecure=post.insecure).close()


def _own_addresses(post: Post) -> Sequence[str]:
    """Return where each worker alone serves HTTP: on ports in a row, or each on a free one; empty where it has no other address."""
    first = post.own_http_address or post.http_address
    if not first:
        return [""] * post.count
    host, port = split_address(first)
    addresses = [join_address(host, port + index if port else 0) for index in range(post.count)]
    try:
        for address in addresses:
            _notice(address, post)
    except ListenError as error:
        # It is the first one that is a setting.
        raise type(error)(str(error), first) from error
    return addresses


def _ending(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
