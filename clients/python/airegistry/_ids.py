"""Random ids, as unguessable as UUIDs of version 4 and as long."""

from __future__ import annotations

import os

_LENGTH = 16
_DRAWN = 256


class _Ids:
    """Draws for many ids at once: each system call lets another thread have the interpreter, and waits to get it back."""

    def __init__(self) -> None:
        self._drawn = b""
        # A child process that goes on with what its parent drew would give the same ids.
        os.register_at_fork(after_in_child=self._forget)

    def next(self) -> str:
        if not self._drawn:
            self._drawn = os.urandom(_LENGTH * _DRAWN)
        taken, self._drawn = self._drawn[:_LENGTH], self._drawn[_LENGTH:]
        return taken.hex()

    def _forget(self) -> None:
        self._drawn = b""


new_id = _Ids().next
"""Return an id: 32 hexadecimal digits."""
