"""AI Registry: register, discover, watch and invoke AI models and agents.

Everything here is imported when it is first used, so that a program pays for what it needs: `airegistry.errors` alone
loads neither gRPC nor NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airegistry.agents.delegating import delegate_task
    from airegistry.agents.describing import describe_agent
    from airegistry.agents.distributing import TaskDistributor
    from airegistry.agents.integrating import integrate_registry
    from airegistry.agents.orchestrating import AgentOrchestrator
    from airegistry.agents.outcome import TaskResult
    from airegistry.agents.registering import register_agent
    from airegistry.agents.steps import Step
    from airegistry.cache import Cache
    from airegistry.client import Client, GatewayClient, RegistryClient
    from airegistry.discovery.answers import Candidate
    from airegistry.errors import RegistryError
    from airegistry.invocations.asking import ask
    from airegistry.invocations.chat import ChatRequest, ChatResponse, Message, Role, Tool
    from airegistry.invocations.content import ContentBlock, TextBlock
    from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
    from airegistry.invocations.invocation import Invocation, InvokeEvent, InvokeResponse
    from airegistry.keeping import LeaseKeeper, owner_id_file
    from airegistry.models.answer import ModelAnswer
    from airegistry.models.asking import ModelClient, create_model_client
    from airegistry.models.embedded import open_embedded
    from airegistry.models.finding import discover_model, find_models
    from airegistry.resources.agent import Agent
    from airegistry.resources.endpoint import Communication, Endpoint
    from airegistry.resources.model import Capability, Model
    from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
    from airegistry.resources.requirements import DiscoverQuery, Preference, Requirements
    from airegistry.resources.resource import Resource
    from airegistry.resources.route import Route, RouteTarget, RouteTier
    from airegistry.resources.validation import validate
    from airegistry.snapshots import SnapshotFile
    from airegistry.watching import CacheFeeder

_MODULES = {
    "airegistry.agents.delegating": ("delegate_task",),
    "airegistry.agents.describing": ("describe_agent",),
    "airegistry.agents.distributing": ("TaskDistributor",),
    "airegistry.agents.integrating": ("integrate_registry",),
    "airegistry.agents.orchestrating": ("AgentOrchestrator",),
    "airegistry.agents.outcome": ("TaskResult",),
    "airegistry.agents.registering": ("register_agent",),
    "airegistry.agents.steps": ("Step",),
    "airegistry.cache": ("Cache",),
    "airegistry.client": (
        "Client",
        "GatewayClient",
        "RegistryClient",
    ),
    "airegistry.discovery.answers": ("Candidate",),
    "airegistry.errors": ("RegistryError",),
    "airegistry.invocations.asking": ("ask",),
    "airegistry.invocations.chat": (
        "ChatRequest",
        "ChatResponse",
        "Message",
        "Role",
        "Tool",
    ),
    "airegistry.invocations.content": (
        "ContentBlock",
        "TextBlock",
    ),
    "airegistry.invocations.embeddings": (
        "EmbeddingInput",
        "EmbeddingsRequest",
    ),
    "airegistry.invocations.invocation": (
        "Invocation",
        "InvokeEvent",
        "InvokeResponse",
    ),
    "airegistry.keeping": (
        "LeaseKeeper",
        "owner_id_file",
    ),
    "airegistry.models.answer": ("ModelAnswer",),
    "airegistry.models.asking": (
        "ModelClient",
        "create_model_client",
    ),
    "airegistry.models.embedded": ("open_embedded",),
    "airegistry.models.finding": (
        "discover_model",
        "find_models",
    ),
    "airegistry.resources.agent": ("Agent",),
    "airegistry.resources.endpoint": (
        "Communication",
        "Endpoint",
    ),
    "airegistry.resources.model": (
        "Capability",
        "Model",
    ),
    "airegistry.resources.prices": (
        "Price",
        "PriceBucket",
        "PriceList",
        "PriceSchedule",
    ),
    "airegistry.resources.requirements": (
        "DiscoverQuery",
        "Preference",
        "Requirements",
    ),
    "airegistry.resources.resource": ("Resource",),
    "airegistry.resources.route": (
        "Route",
        "RouteTarget",
        "RouteTier",
    ),
    "airegistry.resources.validation": ("validate",),
    "airegistry.snapshots": ("SnapshotFile",),
    "airegistry.watching": ("CacheFeeder",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Agent",
    "AgentOrchestrator",
    "Cache",
    "CacheFeeder",
    "Candidate",
    "Capability",
    "ChatRequest",
    "ChatResponse",
    "Client",
    "Communication",
    "ContentBlock",
    "DiscoverQuery",
    "EmbeddingInput",
    "EmbeddingsRequest",
    "Endpoint",
    "GatewayClient",
    "Invocation",
    "InvokeEvent",
    "InvokeResponse",
    "LeaseKeeper",
    "Message",
    "Model",
    "ModelAnswer",
    "ModelClient",
    "Preference",
    "Price",
    "PriceBucket",
    "PriceList",
    "PriceSchedule",
    "RegistryClient",
    "RegistryError",
    "Requirements",
    "Resource",
    "Role",
    "Route",
    "RouteTarget",
    "RouteTier",
    "SnapshotFile",
    "Step",
    "TaskDistributor",
    "TaskResult",
    "TextBlock",
    "Tool",
    "ask",
    "create_model_client",
    "delegate_task",
    "describe_agent",
    "discover_model",
    "find_models",
    "integrate_registry",
    "open_embedded",
    "owner_id_file",
    "register_agent",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
