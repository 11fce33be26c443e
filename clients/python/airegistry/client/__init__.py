"""The client of a registry and of a gateway: every RPC as a coroutine, dataclasses in and out."""

from airegistry.client.client import Client
from airegistry.client.gateway import GATEWAY_ADDRESS, GatewayClient
from airegistry.client.registry import REGISTRY_ADDRESS, RegistryClient

__all__ = ["GATEWAY_ADDRESS", "REGISTRY_ADDRESS", "Client", "GatewayClient", "RegistryClient"]
