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
    _Lifeline(lifeline, stop, patience).start()


def patience() -> float | None:
    """Return the patience with which this process ends when its parent does; None where it does not."""
    return next((thread.patience for thread in threading.enumerate() if isinstance(thread, _Lifeline)), None)


class _Lifeline(threading.Thread):
    def __init__(self, line: int, stop: Callable[[], None], patience: float) -> None:
        super().__init__(name="lifeline", daemon=True)
        self.patience = patience
        self._line = line
        self._stop_process = stop

    def run(self) -> None:
        try:
            while os.read(self._line, 1):
                pass
        except OSError:
            # A broken line holds nobody either.
            pass
        self._stop_process()
        time.sleep(self.patience)
        # It hangs, and there is no parent left who would kill it.
        os._exit(1)
