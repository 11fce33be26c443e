"""How the server runs and answers; every value has the default of the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Behaviour:
    """How fast and how well it answers; who changes it changes the server that runs."""

    token_delay: float = 0.02
    failure_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The address, the pace and the limits. Times are seconds; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 3003
    token_delay: float = 0.02
    """Pause before each token, so that a stream can be seen to stream."""
    failure_rate: float = 0.0
    """The share of answers that fail with 502 before they begin, to see what others make of that."""
    max_running: int = 64
    """Answers at a time; there is no queue behind them."""
    max_body: int = 1 << 20
    """Bytes of one request body."""
    drain: float = 2.0
    """What running answers get to finish when the server stops."""

    @property
    def behaviour(self) -> Behaviour:
        """How the server answers from its start."""
        return Behaviour(self.token_delay, self.failure_rate)
