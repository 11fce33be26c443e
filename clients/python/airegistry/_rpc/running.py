"""A program from its command line to its exit code: by one process or by several, on the carrier that the settings name."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from airegistry._rpc.logs import configure_logs
from airegistry._rpc.process import StartError, run
from airegistry._rpc.program import Program, S
from airegistry._rpc.seat import Seat
from airegistry._rpc.settings import read_settings
from airegistry._rpc.workers import Start, Starting, run_workers


def main(program: Program[S], arguments: Sequence[str]) -> int:
    """Serve until a signal; return the exit code."""
    seat = Seat.taken_from(os.environ)
    try:
        config = read_settings(program.settings, program.name, arguments)
        if seat is not None:
            return _work(program, config, seat)
        configure_logs(config.log_level, config.log_format)
        if config.carrier == "envoy":
            return _supervise_envoys(program, config, arguments)
    except StartError as error:
        sys.stderr.write(f"{program.name}: {error}\n")
        return error.exit_code
    if config.post.count > 1:
        return run_workers(program.name, config.post, _again(program, arguments))
    return run(program.name, lambda: program.serve(config, None))


def _work(program: Program[S], config: S, seat: Seat) -> int:
    seat.hold(config.post.drain)
    configure_logs(config.log_level, config.log_format, fields={"worker": seat.index})
    return run(program.name, lambda: _announced(program, config, seat))


@asynccontextmanager
async def _announced(program: Program[S], config: S, seat: Seat) -> AsyncIterator[None]:
    async with program.serve(config.seated(seat.address, seat.http_address), None):
        seat.announce()
        yield


def _again(program: Program[S], arguments: Sequence[str]) -> Starting:
    """Return how a worker is started: by the same command in the same environment."""
    start = Start([sys.executable, "-m", program.name, *arguments], os.environ)
    return lambda _seat: start


def _supervise_envoys(program: Program[S], config: S, arguments: Sequence[str]) -> int:
    # The extra need not be installed.
    from airegistry._rpc.envoy.starting import envoys  # noqa: PLC0415

    with envoys(program, config, arguments) as (post, starting):
        return run_workers(program.name, post, starting)
