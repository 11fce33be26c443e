"""Where a server program stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CarrierName = Literal["aio", "envoy"]
"""What carries the calls of a program."""


@dataclass(frozen=True, slots=True)
class Post:
    """Where a program serves, by how many processes, and for how many seconds running calls may go on when it ends."""

    address: str
    http_address: str
    drain: float
    insecure: bool = False
    count: int = 1
