"""`python -m airegistry._rpc.envoy.keeper FILE`: the process that keeps Envoys, as small as it can be.

Nothing heavy may be imported here: it stays for as long as the Envoys do.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airegistry._rpc.lifeline import end_with_parent
from airegistry._rpc.plain_logs import LogFormat, LogLevel, log_plainly
from airegistry._rpc.seat import Seat
from airegistry._rpc.workers import Stand, Start, Workers


@dataclass(frozen=True, slots=True)
class Kept:
    """What a keeper is told, as JSON: each worker has its `seat`, its `command`, and its `environment` beyond the usual.

    With a `leash` it ends when its parent does, that many seconds later at most.
    """

    name: str
    drain: float
    log_level: LogLevel
    log_format: LogFormat
    sockets: Sequence[int]
    leash: float | None
    workers: Sequence[Mapping[str, Any]]


def main(file: Path) -> int:
    """Keep the Envoys that *file* tells of until a signal; return the exit code. Its folder goes at the end."""
    kept = Kept(**json.loads(file.read_text()))
    log_plainly(kept.log_level, kept.log_format)
    wait_for_turns()
    if kept.leash is not None:
        # No thread outlives the step from the program to its keeper.
        end_with_parent(patience=kept.leash)
    seats = [Seat(**worker["seat"]) for worker in kept.workers]
    starts = [
        Start(worker["command"], {**os.environ, **worker["environment"]}, leashed=True) for worker in kept.workers
    ]
    stand = Stand([socket.socket(fileno=each) for each in kept.sockets], seats)
    try:
        return Workers(stand, kept.drain, lambda seat: starts[seat.index]).run(kept.name)
    finally:
        remove(file.parent)


def wait_for_turns() -> None:
    """Let no thread of an Envoy, which inherits this, interrupt another one when it wakes up, but wait until the core is free.

    The thread of Envoy and that of the program inside wake each other for each part of each message. When each interrupts
    the other for it, they do little else; waiting, they find several parts at once. An idle core takes them as soon as ever.
    """
    if sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def remove(folder: Path) -> None:
    """Remove the folder of Envoys that are gone."""
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
