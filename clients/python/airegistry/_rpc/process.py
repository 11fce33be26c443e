"""One server program from its start to its exit code: the loop, the signals, and errors said in one line."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

log = logging.getLogger(__name__)

_THRESHOLDS = (50_000, 20, 50)
_STOPPING = (signal.SIGTERM, signal.SIGINT)


class StartError(Exception):
    """The program cannot start; the message is for the person who started it, in one line. Empty: it was said already."""

    exit_code = 1


class SettingsError(StartError):
    """The settings are wrong; starting again without changing them is pointless."""

    exit_code = 2


def run(
    name: str, serve: Callable[[], AbstractAsyncContextManager[Any]], *, abandon: Callable[[], None] = lambda: None
) -> int:
    """Serve until SIGTERM or SIGINT and return the exit code; a second signal exits at once, after *abandon*."""
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve_until_signalled(serve, abandon))
    except StartError as error:
        if said := str(error):
            sys.stderr.write(f"{name}: {said}\n")
        return error.exit_code
    except Exception:
        log.exception("%s failed", name)
        return 1
    return 0


@asynccontextmanager
async def owned_tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """Lend a task group for the length of a block; an exception that comes alone, the block's own too, comes out bare."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        raise group.exceptions[0] from None


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task of `owned_tasks`, and wait until it is over; what it died of comes out of the group."""
    task.cancel()
    # Unlike awaiting the task itself, this keeps its cancellation apart from the caller's.
    await asyncio.wait([task])


async def _serve_until_signalled(
    serve: Callable[[], AbstractAsyncContextManager[Any]], abandon: Callable[[], None]
) -> None:
    stopped = asyncio.Event()

    def stop(number: int) -> None:
        if stopped.is_set():
            # Asked twice: whoever asks does not want to wait for calls to finish.
            abandon()
            os._exit(128 + number)
        stopped.set()

    loop = asyncio.get_running_loop()
    for number in _STOPPING:
        loop.add_signal_handler(number, stop, number)
    async with serve():
        spare_collections()
        await stopped.wait()


def spare_collections() -> None:
    """Keep the garbage collector from what lives as long as the server.

    At the defaults each change told to 1,000 watchers sets off several collections, and one over a whole catalog holds
    every call up for a tenth of a second. Most objects here die by reference counting.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
