"""A server program as data: its settings, how it is opened, and what it is inside Envoy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from airegistry._rpc.carrier import Carrier
from airegistry._rpc.edge_settings import EdgeSettings

S = TypeVar("S", bound=EdgeSettings)


@dataclass(frozen=True, slots=True)
class Program(Generic[S]):
    """What makes a program: `python -m {name}` with `settings`.

    `serve` opens it with its settings and a carrier; None is the one that needs nothing extra. `hosted` names the
    module and the attribute of the ASGI application that serves it inside Envoy, and `services` are offered over REST there.
    """

    name: str
    settings: type[S]
    serve: Callable[[S, Carrier | None], AbstractAsyncContextManager[Any]]
    hosted: str
    services: Sequence[str]
