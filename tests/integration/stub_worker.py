"""A worker that does nothing but what it is told to: `stub_worker.py {folder}`.

It notes what happens to it in the folder. A file `{what}-{index}` there makes it misbehave: `refuse` ends it at the start with
the exit code in the file, `stubborn` lets it ignore SIGTERM, and `orphan` the end of its supervisor.
"""

import os
import signal
import sys
import time
from pathlib import Path

from airegistry._rpc.lifeline import end_with_parent
from airegistry._rpc.seat import Seat

folder = Path(sys.argv[1])
seat = Seat.taken_from(os.environ)
assert seat is not None
here: Seat = seat


def note(text: str) -> None:
    with (folder / "notes").open("a") as file:
        file.write(f"{here.index} {text} {os.getpid()}\n")


def told(what: str) -> str | None:
    file = folder / f"{what}-{here.index}"
    return file.read_text() if file.exists() else None


def stop(*_: object) -> None:
    note("stops")
    if told("stubborn") is None:
        sys.exit(0)


signal.signal(signal.SIGTERM, stop)
if told("orphan") is None:
    # For as long as it may take to note what happens.
    end_with_parent(patience=4.0)
note("starts")
if code := told("refuse"):
    sys.stderr.write(f"worker {here.index} does not like it here\n")
    if code == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.exit(int(code))
(folder / f"seat-{here.index}").write_text(f"{here.address} {here.http_address}")
here.announce()
note("serves")
while True:
    time.sleep(60)
