"""`python -m launcher.database FOLDER PORT`: a PostgreSQL of one's own until SIGTERM, and how to wait for it."""

from __future__ import annotations

import hashlib
import signal
import stat
import sys
import threading
from pathlib import Path

import asyncpg

from airegistry._rpc.process import StartError
from launcher.children import Child
from launcher.health import wait_until
from launcher.postgres import PostgresServer

_FOR_ROOT = Path("/var/lib/airegistry")
_TRY = 2.0


def main() -> int:
    """Serve until a signal; return the exit code."""
    folder, port = sys.argv[1:]
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopped.set())
    try:
        with PostgresServer(Path(folder), int(port)):
            # Not without an end: where another thread gets the signal, this one has to look.
            while not stopped.wait(1.0):
                pass
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def folder_for_root(folder: Path) -> Path:
    """Return *folder*, or one that stands for it where everybody may pass: PostgreSQL does not run as root.

    It runs as nobody then, who cannot reach what is below a home that is closed to others.
    """
    above = [parent for parent in (folder, *folder.parents) if parent.exists()]
    if all(parent.stat().st_mode & stat.S_IXOTH for parent in above):
        return folder
    return _FOR_ROOT / f"postgres-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"


async def wait_for_database(child: Child, url: str) -> None:
    """Wait until the database takes connections; StartError when that does not come."""
    await wait_until(child, lambda: _answers(url))


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=_TRY)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    await connection.close(timeout=_TRY)
    return True


if __name__ == "__main__":
    sys.exit(main())
