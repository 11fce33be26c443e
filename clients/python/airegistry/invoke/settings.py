"""What an engine can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from airegistry.invoke.transport import TransportSettings
from airegistry.resources.route import RoutePolicy
from airegistry.routing.breaker import BreakerSettings


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Defaults of policies, and bounds."""

    policy: RoutePolicy = field(default_factory=RoutePolicy)
    max_in_flight: int = 1_000
    queue_length: int = 1_000
    longest_wait: float = 10.0
    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    transport: TransportSettings = field(default_factory=TransportSettings)
