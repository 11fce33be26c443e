"""One call, as the engine is asked for it."""

from __future__ import annotations

from dataclasses import dataclass

from airegistry._making import quickly_made
from airegistry.dialects.exchange import Input
from airegistry.invocations.invocation import Invocation
from airegistry.invoke.budgets import Budget
from airegistry.invoke.counting import Counter
from airegistry.invoke.origin import Origin


@quickly_made
@dataclass(frozen=True, slots=True)
class Call:
    """What a caller wants, how, and in which time.

    *origin* is the request as its caller wrote it. With a *counter* the tokens of the request are counted instead.
    """

    invocation: Invocation
    request: Input
    budget: Budget
    stream: bool = False
    accept_restart: bool = False
    origin: Origin | None = None
    counter: Counter | None = None
