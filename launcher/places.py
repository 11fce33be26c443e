"""Where everything listens, and whether it can."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from airegistry._rpc.listening import ListenError, is_loopback, join_address, listen_on
from airegistry._rpc.process import StartError

_APART = 10


@dataclass(frozen=True, slots=True)
class Places:
    """The host and the ports; further replicas of the registry follow ten ports apart.

    With `one_port` each serves HTTP where it serves gRPC. `demo_port` is None where there is no demo backend.
    """

    host: str
    registry_port: int
    registry_http_port: int
    gateway_port: int
    gateway_http_port: int
    demo_port: int | None
    replicas: int = 1
    one_port: bool = False

    @property
    def registries(self) -> Sequence[str]:
        """Where each replica of the registry serves gRPC."""
        return self._apart(self.registry_port)

    @property
    def registries_http(self) -> Sequence[str]:
        """Where each replica of the registry serves HTTP."""
        return self.registries if self.one_port else self._apart(self.registry_http_port)

    @property
    def registry(self) -> str:
        """Where the registry answers, for clients: any of its replicas."""
        return ",".join(self.registries)

    @property
    def gateway(self) -> str:
        """Where the gateway serves gRPC."""
        return join_address(self.host, self.gateway_port)

    @property
    def gateway_http(self) -> str:
        """Where the gateway serves HTTP."""
        return self.gateway if self.one_port else join_address(self.host, self.gateway_http_port)

    @property
    def demo(self) -> str | None:
        """Where the demo backend serves HTTP: on loopback, whatever the others do."""
        return None if self.demo_port is None else join_address("127.0.0.1", self.demo_port)

    def check(self, *, insecure: bool) -> None:
        """Raise StartError when a place is taken, asked for twice, or open to everybody without being meant so."""
        if not insecure and not is_loopback(self.host):
            raise StartError(
                f"{self.host} can be reached from other machines, and calls are neither encrypted nor authenticated: "
                "say --insecure if that is meant"
            )
        taken = Counter(address for _, address in self._all())
        for option, address in self._all():
            if taken[address] > 1:
                raise StartError(f"{address} is asked for twice: choose another port with --{option}")
            try:
                listen_on(address, insecure=insecure).close()
            except ListenError as error:
                raise StartError(f"{error}; choose another port with --{option}") from error

    def _apart(self, first: int) -> Sequence[str]:
        return [join_address(self.host, first + _APART * replica) for replica in range(self.replicas)]

    def _all(self) -> Iterator[tuple[str, str]]:
        yield from (("registry-port", address) for address in self.registries)
        yield "gateway-port", self.gateway
        if not self.one_port:
            yield from (("registry-http-port", address) for address in self.registries_http)
            yield "gateway-http-port", self.gateway_http
        if self.demo is not None:
            yield "demo-port", self.demo
