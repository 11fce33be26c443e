"""The folder that a database lives in: one process at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from airegistry.errors import FailedPreconditionError

LOCK_FILE = "registry.lock"
DATABASE_FILE = "registry.sqlite3"


class Folder:
    """The data folder, locked until it is closed. The system lets go of the lock when the process dies, however it dies."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._lock = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._lock, 32).decode(errors="replace").strip()
            os.close(self._lock)
            raise FailedPreconditionError(
                f"{path} is in use by another registry (process {holder or 'unknown'}): "
                "stop it, or choose another data folder",
                metadata={"data_dir": str(path), "process": holder},
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    @property
    def database(self) -> Path:
        """The database file."""
        return self.path / DATABASE_FILE

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)
