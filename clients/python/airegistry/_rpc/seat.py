"""The place of one worker among several: what its supervisor gives it, and how it answers."""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from airegistry._rpc.lifeline import end_with_parent

# No setting: it is only ever set by a supervisor, for the process that it starts.
_VARIABLE = "AIREGISTRY_WORKER"
# Beyond the drain time, for what else there is to close.
_CLOSING = 5.0


@dataclass(frozen=True, slots=True)
class Seat:
    """Which worker it is, and where it listens: `http_address` is its own, the others are shared.

    The worker's standard input is its lifeline, and a line on its standard output says that it serves.
    """

    index: int
    address: str
    http_address: str
    shared_http_address: str = ""

    @classmethod
    def taken_from(cls, environment: MutableMapping[str, str]) -> Self | None:
        """Take the seat out of the *environment*; None for a process that is no worker."""
        value = environment.pop(_VARIABLE, None)
        if value is None:
            return None
        index, *addresses = value.split(" ")
        return cls(int(index), *addresses)

    @property
    def environment(self) -> Mapping[str, str]:
        """What to add to the environment of the worker."""
        return {_VARIABLE: f"{self.index} {self.address} {self.http_address} {self.shared_http_address}"}

    def hold(self, drain: float) -> None:
        """End this process when its supervisor dies, or lets go of it; it has *drain* seconds for running calls."""
        end_with_parent(patience=drain + _CLOSING)

    def announce(self) -> None:
        """Tell the supervisor that this worker serves."""
        # The supervisor may be dead by now; the lifeline will say so.
        with suppress(BrokenPipeError):
            sys.stdout.write("serving\n")
            sys.stdout.flush()
