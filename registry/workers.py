"""Several processes behind one gRPC port: started, watched, started again when they die, and stopped together."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from airegistry._rpc.listening import bind_shared, join_address, listen_on, split_address
from airegistry._rpc.process import StartError, end, owned_tasks, run
from airegistry.backoff import Backoff
from registry.config import Config
from registry.seat import Seat

log = logging.getLogger(__name__)

STEADY = 10.0
"""Seconds after which a worker that served counts as sound: the next restart does not wait for earlier failures."""

# Beyond the drain time, for what else a worker closes.
_STOPPING = 5.0


def run_workers(config: Config, command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Keep as many processes of *command* as the settings say until a signal; return the exit code.

    A second signal kills them. When this process dies they end by themselves.
    """
    workers = Workers(config, command, environment)
    return run("registry", workers.serve, abandon=workers.kill)


class WorkerEndedError(StartError):
    """A worker ended before it served."""

    def __init__(self, index: int, code: int) -> None:
        # With an exit code of its own the worker has said why, on the standard error that it shares with us.
        super().__init__("" if code > 0 else f"worker {index} ended before it served ({_ending(code)})")
        self.exit_code = max(code, 1)


class Workers:
    """The processes that share the port. They are equals: the kernel gives each connection to one of them."""

    def __init__(self, config: Config, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._config = config
        self._command = command
        self._environment = environment
        self._workers: list[_Worker] = []

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Keep the workers for as long as the block runs. One that cannot even start cancels the block: StartError."""
        async with owned_tasks() as tasks, AsyncExitStack() as stack:
            kept = stack.enter_context(_kept_port(self._config))
            address = join_address(*kept.getsockname()[:2])
            self._workers = [
                _Worker(Seat(index, address, http_address), self._command, self._environment)
                for index, http_address in enumerate(_http_addresses(self._config))
            ]
            stack.push_async_callback(self._stop)
            stack.push_async_callback(end, tasks.create_task(self._keep(address)))
            yield

    def kill(self) -> None:
        """End all workers at once."""
        for worker in self._workers:
            worker.send(signal.SIGKILL)

    async def _keep(self, address: str) -> None:
        # One alone first: it may have a new database to set up, and what keeps all of them from starting is said once.
        first, *others = self._workers
        await first.start()
        await asyncio.gather(*(worker.start() for worker in others))
        log.info("%d workers serve gRPC on %s", len(self._workers), address)
        async with asyncio.TaskGroup() as group:
            for worker in self._workers:
                group.create_task(worker.keep())

    async def _stop(self) -> None:
        for worker in self._workers:
            worker.send(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._config.registry_drain + _STOPPING):
                await self._wait()
        self.kill()
        await self._wait()

    async def _wait(self) -> None:
        await asyncio.gather(*(worker.wait() for worker in self._workers))


class _Worker:
    """One process, and the one that takes its place when it ends."""

    def __init__(self, seat: Seat, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._seat = seat
        self._command = command
        self._environment = {**environment, **seat.environment}
        self._process: asyncio.subprocess.Process | None = None
        self._serving_since = 0.0

    async def start(self) -> None:
        """Start it and wait until it serves; WorkerEndedError when it ends instead."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            # Ctrl-C in a terminal reaches only this process, which tells the workers once.
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101 - piped above
        if not await self._process.stdout.readline():
            raise WorkerEndedError(self._seat.index, await self._process.wait())
        self._serving_since = time.monotonic()

    async def keep(self) -> None:
        """Start it again whenever it ends, without an end."""
        backoff = Backoff()
        while True:
            code = await self.wait()
            if time.monotonic() - self._serving_since > STEADY:
                backoff.reset()
            delay = backoff.next()
            log.error("worker %d ended (%s); starting it again in %.1f s", self._seat.index, _ending(code), delay)
            await asyncio.sleep(delay)
            try:
                await self.start()
            except WorkerEndedError:
                pass
            except OSError:
                # Out of memory or processes, say: what is left goes on.
                log.exception("worker %d cannot be started", self._seat.index)

    async def wait(self) -> int:
        """Wait until it has ended and return its exit code."""
        return 0 if self._process is None else await self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, when it runs."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


def _kept_port(config: Config) -> socket.socket:
    """Return a socket that keeps the port for the workers, also while none of them runs; ListenError if it is taken."""
    address, insecure = config.registry_address, config.insecure
    if split_address(address)[1] != 0:
        # Shared ports let in every process of this user: another registry must be noticed here.
        listen_on(address, insecure=insecure).close()
    return bind_shared(address, insecure=insecure)


def _http_addresses(config: Config) -> Sequence[str]:
    """Return where each worker serves HTTP: on ports in a row, or each on a free one."""
    host, first = split_address(config.registry_http_address)
    addresses = [join_address(host, first + index if first else 0) for index in range(config.registry_workers)]
    # The last of the ports must be one, too.
    split_address(addresses[-1])
    return addresses


def _ending(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
