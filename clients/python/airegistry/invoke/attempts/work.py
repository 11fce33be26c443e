"""What one call is about, and what all calls share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airegistry._making import quickly_made
from airegistry.dialects.exchange import Input
from airegistry.invoke.attempts.hedging import HedgeBudget
from airegistry.invoke.credentials import Credentials
from airegistry.invoke.observer import Observer
from airegistry.invoke.origin import Origin
from airegistry.invoke.pauses import Pauses
from airegistry.invoke.selection.choosing import Choices
from airegistry.invoke.standing import Spoken
from airegistry.invoke.transport import Transport
from airegistry.routing.gates.gate import Gate
from airegistry.routing.latencies import Latencies
from airegistry.routing.picker import Picker
from airegistry.routing.plan import Plan


@dataclass(frozen=True, slots=True)
class Means:
    """What calls share: the way to providers, and what is known of them."""

    transport: Transport
    credentials: Credentials
    gate: Gate
    picker: Picker
    latencies: Latencies
    hedges: HedgeBudget
    observer: Observer
    now: Callable[[], float]
    pauses: Pauses


@quickly_made
@dataclass(frozen=True, slots=True)
class Work:
    """What one call is about. With *choices* it is learned from."""

    request: Input
    spoken: Spoken
    plan: Plan
    stream: bool
    accept_restart: bool = False
    stale: bool = False
    origin: Origin | None = None
    choices: Choices | None = None
