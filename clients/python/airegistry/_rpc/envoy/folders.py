"""The folders that Envoys read from while they run: made, held, and swept when nobody is left who would remove them."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from airegistry._rpc.envoy.keeper import remove

_HELD = "held"
"""The file in a folder that is locked by all who need the folder."""


def make(name: str) -> Path:
    """Make the folder of the Envoys of the program *name*, held by this process and whatever it becomes by exec."""
    folder = Path(tempfile.mkdtemp(prefix=_prefix(name)))
    new = folder / "new"
    new.touch(mode=0o600)
    os.set_inheritable(_lock(new, fcntl.LOCK_SH), True)
    # A sweep sees it from now on.
    new.rename(folder / _HELD)
    return folder


def hold(folder: Path) -> None:
    """Keep *folder* for as long as this process lives, when it is one that `make` made."""
    with suppress(OSError):
        _lock(folder / _HELD, fcntl.LOCK_SH)


def sweep(name: str) -> None:
    """Remove the folders of keepers and Envoys of the program *name* that were killed."""
    for file in Path(tempfile.gettempdir()).glob(f"{_prefix(name)}*/{_HELD}"):
        # Somebody holds it, or it is another user's.
        with suppress(OSError):
            lock = _lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(file.parent)
            os.close(lock)


def _prefix(name: str) -> str:
    return f"airegistry-{name}-"


def _lock(file: Path, how: int) -> int:
    """Lock *file* and return what holds the lock; OSError when somebody else has it."""
    held = os.open(file, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, how)
    except OSError:
        os.close(held)
        raise
    return held
