"""The client of a registry and of a gateway: every RPC as a coroutine, dataclasses in and out."""

from airegistry.client.analytics import REGISTRY_ADDRESS, AnalyticsClient
from airegistry.client.client import Client
from airegistry.client.gateway import GATEWAY_ADDRESS, GatewayClient
from airegistry.client.registry import RegistryClient

__all__ = ["GATEWAY_ADDRESS", "REGISTRY_ADDRESS", "AnalyticsClient", "Client", "GatewayClient", "RegistryClient"]
