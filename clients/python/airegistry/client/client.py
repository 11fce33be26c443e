"""One client for both planes."""

from __future__ import annotations

import grpc

from airegistry.client.analytics import REGISTRY_ADDRESS
from airegistry.client.gateway import GATEWAY_ADDRESS, GatewayClient
from airegistry.client.registry import RegistryClient


class Client(RegistryClient, GatewayClient):
    """Registers, finds, watches and reads what was measured through a registry, and invokes through a gateway.

    Either is connected to only when it is called, so an application that needs one need not have the other.
    """

    def __init__(
        self,
        registry: str = REGISTRY_ADDRESS,
        *,
        gateway: str = GATEWAY_ADDRESS,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        RegistryClient.__init__(self, registry, credentials=credentials)
        GatewayClient.__init__(self, gateway, credentials=credentials)

    async def close(self) -> None:
        """End all calls and both connections."""
        await RegistryClient.close(self)
        await GatewayClient.close(self)
