"""A process that ends when its parent does, however that ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable


def end_with_parent(lifeline: int = 0, *, patience: float) -> None:
    """Send this process SIGTERM once the other end of *lifeline*, a pipe, is closed; end it *patience* seconds later.

    The parent holds that end, never writes to it, and need not do anything: the kernel closes it when the parent dies.
    """
    when_let_go(lambda: os.kill(os.getpid(), signal.SIGTERM), lifeline, patience=patience)


def when_let_go(stop: Callable[[], None], lifeline: int = 0, *, patience: float) -> None:
    """Call *stop*, in a thread, once the other end of *lifeline* is closed; end this process *patience* seconds later."""
    threading.Thread(target=_watch, args=(lifeline, stop, patience), name="lifeline", daemon=True).start()


def _watch(lifeline: int, stop: Callable[[], None], patience: float) -> None:
    try:
        while os.read(lifeline, 1):
            pass
    except OSError:
        # A broken line holds nobody either.
        pass
    stop()
    time.sleep(patience)
    # It hangs, and there is no parent left who would kill it.
    os._exit(1)
