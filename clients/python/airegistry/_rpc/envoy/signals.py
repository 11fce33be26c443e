"""The signals that end Envoy, which the program inside it hears first."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import socket
from collections.abc import Callable

_ENDING = (signal.SIGTERM, signal.SIGINT)
# More than any `struct sigaction` has: what the C library gives is kept and given back, and never looked into.
_ACTION_BYTES = 1024

_Action = ctypes.Array[ctypes.c_char]


class Signals:
    """What ends this Envoy, kept from it until the program says so.

    Envoy takes itself apart at the first such signal, whatever the program does. Who hands over a part of an answer in that
    moment holds the stream for a moment more; when that was the last hold on it, the thread of the program takes apart what
    is left, beside the thread that ends Envoy, and the process crashes (seen with Envoy 1.39 and pyvoy 1.3). So the program
    hears of the signal, ends all calls, and only then gives Envoy its handlers back.

    Make it on Envoy's main thread, which is Python's: no other may install a handler of Python's. Envoy puts its own in the
    place of that later, so it takes the C library to come back, by `take`.
    """

    def __init__(self) -> None:
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self._writing.setblocking(False)
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for number in _ENDING:
            signal.signal(number, lambda *_: None)
            # No call to the system of Envoy's ends early for it.
            signal.siginterrupt(number, False)
        self._ours = {number: _exchange(number, None) for number in _ENDING}
        self._envoys: dict[signal.Signals, _Action] = {}

    def hear(self, heard: Callable[[signal.Signals], None]) -> None:
        """Let the running loop call *heard* with each signal."""

        def tell() -> None:
            for number in self._reading.recv(64):
                if number in _ENDING:
                    heard(signal.Signals(number))

        asyncio.get_running_loop().add_reader(self._reading, tell)

    def take(self) -> None:
        """Take the signals from Envoy, which must have its handlers by now."""
        self._envoys = {number: _exchange(number, action) for number, action in self._ours.items()}

    def give_back(self) -> None:
        """Let Envoy have its signals again, if they were taken."""
        for number, action in self._envoys.items():
            _exchange(number, action)


def _exchange(number: signal.Signals, action: _Action | None) -> _Action:
    """Return what is done at a signal, and have *action* done instead; None changes nothing."""
    before = ctypes.create_string_buffer(_ACTION_BYTES)
    if ctypes.CDLL(None, use_errno=True).sigaction(number, action, before):
        raise OSError(ctypes.get_errno(), "sigaction")
    return before
