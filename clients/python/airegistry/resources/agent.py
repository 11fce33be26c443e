"""An autonomous worker that takes tasks."""

from __future__ import annotations

from dataclasses import dataclass

from airegistry.resources.endpoint import Auth, DataPolicy
from airegistry.resources.prices import PriceList
from airegistry.resources.provenance import Provenance


@dataclass(frozen=True, slots=True)
class AgentProvider:
    """Who runs an agent."""

    organization: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class AgentInterface:
    """One way to reach an agent."""

    url: str = ""
    protocol_binding: str = ""
    protocol_version: str = ""
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class AgentSkill:
    """Something an agent can be asked to do."""

    id: str = ""
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    input_modes: tuple[str, ...] = ()
    output_modes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentCapabilities:
    """Optional parts of the agent protocol."""

    streaming: bool | None = None
    push_notifications: bool | None = None
    extended_card: bool | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """An autonomous worker that takes tasks: the facts of an A2A AgentCard, its price, and what it stands on."""

    display_name: str = ""
    description: str = ""
    version: str = ""
    provider: AgentProvider | None = None
    interfaces: tuple[AgentInterface, ...] = ()
    skills: tuple[AgentSkill, ...] = ()
    default_input_modes: tuple[str, ...] = ()
    default_output_modes: tuple[str, ...] = ()
    capabilities: AgentCapabilities | None = None
    models: tuple[str, ...] = ()
    prices: PriceList | None = None
    credential: str = ""
    auth: Auth | None = None
    max_concurrent_tasks: int | None = None
    region: str = ""
    documentation_url: str = ""
    icon_url: str = ""
    data_policy: DataPolicy | None = None
    provenance: Provenance | None = None
