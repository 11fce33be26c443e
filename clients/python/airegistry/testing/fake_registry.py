"""A registry in memory that serves the real protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from google.protobuf import descriptor_pool

from airegistry._rpc.service import Service, service
from airegistry._rpc.serving import GrpcServer, open_server
from airegistry.observations.observation import Observation
from airegistry.resources.resource import Resource
from airegistry.testing.analytics import Analytics
from airegistry.testing.handlers import Handlers
from airegistry.testing.history import History

_SERVICE = "airegistry.v1.RegistryService"
_ANALYTICS = "airegistry.v1.AnalyticsService"


class FakeRegistry:
    """A registry on a free port of loopback, for as long as the block runs.

    It keeps the promises of the real one, except those about time and size: leases end when a test says so
    (`expire`), and nothing is kept on disk. Stop and start it to see how a program bears an outage. With *analytics* false it
    is a registry of before there was AnalyticsService.
    """

    def __init__(self, *, address: str = "127.0.0.1:0", drain: float = 0.5, analytics: bool = True) -> None:
        self.address = address
        self._drain = drain
        self._history = History()
        self._services = [_service(_SERVICE, Handlers(self._history))]
        self._analytics = Analytics(self._history)
        if analytics:
            self._services.append(_service(_ANALYTICS, self._analytics))
        self._server: GrpcServer | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def revision(self) -> int:
        """The revision of the last change."""
        return self._history.revision

    @property
    def resources(self) -> Mapping[str, Resource]:
        """What is registered, by name."""
        return self._history.at(self._history.revision)

    @property
    def observations(self) -> Sequence[Observation]:
        """What was reported and counted, in the order in which it came."""
        return tuple(self._analytics.measured.observations)

    @property
    def dropped_count(self) -> int:
        """How many observations reporters said that they dropped."""
        return self._analytics.dropped

    async def start(self) -> None:
        """Serve; after a stop, at the same address and with everything that was registered."""
        self._history.open()
        self._server = await open_server(self._services, self.address, _Unobserved())
        self.address = self._server.address

    async def stop(self) -> None:
        """Refuse calls, and end the open watches."""
        self._history.close()
        if self._server is not None:
            await self._server.close(self._drain)
            self._server = None

    def expire(self, names: Iterable[str]) -> None:
        """End leases as if nobody had renewed them for long enough: their resources are gone."""
        self._history.expire(names)

    def compact(self) -> None:
        """Forget all history: who resumes from before must start anew."""
        self._history.compact()

    def reset(self) -> None:
        """Send every open watch a new snapshot, as if its reader had fallen too far behind."""
        self._history.reset()


class _Unobserved:
    """Tests have no metrics."""

    def call_started(self, method: str) -> None:
        """Do nothing."""

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        """Do nothing."""


def _service(name: str, handlers: object) -> Service:
    return service(descriptor_pool.Default().FindServiceByName(name), handlers)
