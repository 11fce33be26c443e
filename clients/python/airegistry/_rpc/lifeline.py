"""A process that ends when its parent does, however that ended."""

from __future__ import annotations

import os
import signal
import threading
import time


def end_with_parent(lifeline: int = 0, *, patience: float) -> None:
    """Send this process SIGTERM once the other end of *lifeline*, a pipe, is closed; end it *patience* seconds later.

    The parent holds that end, never writes to it, and need not do anything: the kernel closes it when the parent dies.
    """
    threading.Thread(target=_watch, args=(lifeline, patience), name="lifeline", daemon=True).start()


def _watch(lifeline: int, patience: float) -> None:
    try:
        while os.read(lifeline, 1):
            pass
    except OSError:
        # A broken line holds nobody either.
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience)
    # It hangs, and there is no parent left who would kill it.
    os._exit(1)
