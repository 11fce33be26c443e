"""`python -m registry`: the registry as a process, or as several behind one port."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from airegistry._rpc.logs import configure_logs
from airegistry._rpc.process import StartError, run
from airegistry._rpc.settings import read_settings
from registry.config import Config
from registry.seat import Seat
from registry.workers import run_workers


def main() -> int:
    """Serve until a signal; return the exit code."""
    seat = Seat.taken_from(os.environ)
    try:
        config = read_settings(Config, "registry", sys.argv[1:])
    except StartError as error:
        sys.stderr.write(f"registry: {error}\n")
        return error.exit_code
    if seat is not None:
        return _work(seat, config)
    configure_logs(config.log_level, config.log_format)
    if config.registry_workers > 1:
        return run_workers(config, [sys.executable, "-m", "registry", *sys.argv[1:]], os.environ)
    return run("registry", lambda: _serve(config))


def _work(seat: Seat, config: Config) -> int:
    seat.hold(config)
    configure_logs(config.log_level, config.log_format, fields={"worker": seat.index})
    return run("registry", lambda: _serve(seat.settings(config), seat))


@asynccontextmanager
async def _serve(config: Config, seat: Seat | None = None) -> AsyncIterator[None]:
    # The supervisor of workers stays small without all that this brings in.
    from registry.app import serve  # noqa: PLC0415

    async with serve(config):
        if seat is not None:
            seat.announce()
        yield


if __name__ == "__main__":
    sys.exit(main())
