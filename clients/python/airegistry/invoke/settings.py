"""What an engine can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from airegistry.invoke.transport import TransportSettings
from airegistry.resources.route import RoutePolicy
from airegistry.routing.gates.breaker import BreakerSettings


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Defaults of policies, and bounds.

    A call waits at most *longest_wait* seconds for room, and *longest_pause* for the only one that could take it and asked
    for time. No call is taken while the event loop is later than *longest_lag* seconds again and again. At most *hedge_share* of the calls that could have a second attempt beside a silent first one get it.
    """

    policy: RoutePolicy = field(default_factory=RoutePolicy)
    max_in_flight: int = 1_000
    queue_length: int = 1_000
    longest_wait: float = 10.0
    longest_pause: float = 5.0
    longest_lag: float = 0.25
    hedge_share: float = 0.1
    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    transport: TransportSettings = field(default_factory=TransportSettings)
