"""What a caller asks of the gateway, and what it got."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from grpc import aio

from airegistry.v1.gateway_service_pb2_grpc import GatewayServiceStub

DEADLINE = 10.0
"""How long every caller waits; no call may take that long."""


@dataclass(frozen=True)
class Ask:
    """A call: of which model, and whether the caller has begun the answer itself."""

    model: str
    prefill: bool = False

    def turns(self) -> list[tuple[str, str]]:
        return [("user", "Say something"), *([("assistant", "Something")] if self.prefill else [])]


@dataclass
class Got:
    """What a caller got. *whole*: the answer came to its proper end; *reason* says why not."""

    said: list[str] = field(default_factory=list)
    whole: bool = False
    reason: str = ""
    finished: bool = False
    """Why the answer ended was told."""
    restarts: int = 0
    status: str | int = ""
    """Of a call that failed: a code of gRPC, or a status of HTTP."""
    retry_after: float | None = None
    attempts: int | None = None
    """How many attempts the caller was told of, where it is told."""

    @property
    def text(self) -> str:
        """What the answer says, as far as it came."""
        return "".join(self.said)

    @property
    def ended(self) -> bool:
        """Whether nothing more may come."""
        return self.whole or bool(self.reason)


class Callers:
    """Connections to one gateway, over gRPC and HTTP."""

    def __init__(self, channel: aio.Channel, http: aiohttp.ClientSession) -> None:
        self.stub: Any = GatewayServiceStub(channel)
        self.http = http


@dataclass(frozen=True)
class Carrier:
    """One way to call."""

    id: str
    call: Callable[[Callers, Ask], Coroutine[Any, Any, Got]]
    streamed: bool
    dialect: str = ""
    """The one that this front speaks: providers of it get the caller's own bytes. Empty for gRPC."""
    restarts: bool = False
    """Whether the caller said that it understands `Restarted`."""
