"""A program from its command line to its exit code: by one process or by several, on the carrier that the settings name."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn

from airegistry._rpc.carrier import Carrier
from airegistry._rpc.listening import naming
from airegistry._rpc.logs import configure_logs
from airegistry._rpc.process import StartError, run
from airegistry._rpc.program import Program, S
from airegistry._rpc.seat import Seat
from airegistry._rpc.settings import read_settings
from airegistry._rpc.usual_carrier import usual_carrier
from airegistry._rpc.workers import Start, Workers, take_stand


def main(program: Program[S], arguments: Sequence[str]) -> int:
    """Serve until a signal; return the exit code."""
    seat = Seat.taken_from(os.environ)
    try:
        config = read_settings(program.settings, program.name, arguments)
        if seat is not None:
            return _work(program, config, seat)
        configure_logs(config.log_level, config.log_format)
        with naming(config.places):
            if config.carrier == "envoy":
                _become_keeper(program, config, arguments)
            if config.post.count > 1:
                return _supervise(program, config, arguments)
    except StartError as error:
        sys.stderr.write(f"{program.name}: {error}\n")
        return error.exit_code
    return run(program.name, lambda: _served(program, config))


def _work(program: Program[S], config: S, seat: Seat) -> int:
    seat.hold(config.post.drain)
    configure_logs(config.log_level, config.log_format, fields={"worker": seat.index})
    return run(program.name, lambda: _announced(program, config, seat))


@asynccontextmanager
async def _announced(program: Program[S], config: S, seat: Seat) -> AsyncIterator[None]:
    seated = config.seated(seat.address, seat.shared_http_address or seat.http_address)
    async with _served(program, seated, _carrier(seat)):
        seat.announce()
        yield


@asynccontextmanager
async def _served(program: Program[S], config: S, carrier: Carrier | None = None) -> AsyncIterator[None]:
    with naming(config.places):
        async with program.serve(config, carrier):
            yield


def _carrier(seat: Seat) -> Carrier:
    return usual_carrier(seat.http_address if seat.shared_http_address else None)


def _supervise(program: Program[S], config: S, arguments: Sequence[str]) -> int:
    """Keep several processes of the same command in the same environment."""
    start = Start([sys.executable, "-m", program.name, *arguments], os.environ)
    return Workers(take_stand(config.post), config.post.drain, lambda _seat: start).run(program.name)


def _become_keeper(program: Program[S], config: S, arguments: Sequence[str]) -> NoReturn:
    # The extra need not be installed.
    from airegistry._rpc.envoy.starting import become_keeper  # noqa: PLC0415

    become_keeper(program, config, arguments)
