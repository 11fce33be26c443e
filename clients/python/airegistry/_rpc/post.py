"""Where a server program stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

CarrierName = Literal["aio", "envoy"]
"""What carries the calls of a program."""


@dataclass(frozen=True, slots=True)
class Post:
    """Where a program serves, by how many processes, and for how many seconds running calls may go on when it ends.

    All processes share `address`. They share `http_address`, too, where there is an `own_http_address`: the first of them
    serves HTTP there alone, the others on the ports that follow. Where there is none, `http_address` is the first one's own.
    """

    address: str
    http_address: str
    drain: float
    insecure: bool = False
    count: int = 1
    own_http_address: str = ""

    @property
    def on_one_port(self) -> Post:
        """The same for a carrier that has on `address` all that is shared; a process that is alone has no other."""
        own = (self.own_http_address or self.http_address) if self.count > 1 else ""
        return replace(self, http_address=own, own_http_address="")
