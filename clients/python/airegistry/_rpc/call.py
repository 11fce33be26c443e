"""What a handler may know about the call that it serves."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol

from airegistry.errors import RegistryError


class Call(Protocol):
    """One call, whoever carries it. Handlers are coroutines, or async generators, of `(request, call)`.

    A call whose peer goes away is cancelled: its handler sees `asyncio.CancelledError`.
    """

    @property
    def method(self) -> str:
        """The full method: `/airegistry.v1.RegistryService/Get`."""
        ...

    @property
    def metadata(self) -> Mapping[str, str | bytes]:
        """The caller's metadata; of a repeated key the last value. Keys that end in `-bin` have bytes."""
        ...

    @property
    def peer(self) -> str:
        """Where the call comes from, for logs."""
        ...

    @property
    def principal(self) -> str:
        """Who the caller proved to be; empty for anonymous callers."""
        ...

    def time_left(self) -> float | None:
        """Return the seconds until the caller's deadline; None without one."""
        ...

    def cancelled(self) -> bool:
        """Say whether the peer is gone already."""
        ...


class Sink(Call, Protocol):
    """A call whose handler sends by itself: a coroutine of `(request, call)` in place of an async generator."""

    def send(self, message: bytes, /) -> Awaitable[None]:
        """Send a serialized message; return when the carrier took it, which waits for a peer that reads slowly."""
        ...

    def ready(self) -> bool:
        """Say whether `send_now` may be called: the call runs, and its carrier has room. Some carriers never do."""
        ...

    def send_now(self, message: bytes, /) -> None:
        """Send a serialized message without waiting, from any task; only when the call is `ready`."""
        ...

    def end(self, error: RegistryError) -> None:
        """End the call with *error* now, even while it waits in `send`. The peer learns of it if it ever reads on."""
        ...
