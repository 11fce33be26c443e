"""Who wants to know what became of calls: metrics, and later the ledger of usage."""

from __future__ import annotations

from typing import Protocol

from airegistry.invocations.invocation import Attempt, Settlement
from airegistry.routing.target import Target


class Observer(Protocol):
    """Both methods must be quick and must not raise."""

    def attempt_ended(self, target: Target, attempt: Attempt) -> None:
        """Note what became of one attempt."""
        ...

    def call_ended(self, settlement: Settlement, *, answered: bool) -> None:
        """Note what became of a call that was attempted at all."""
        ...


class Nobody:
    """Takes no notes."""

    def attempt_ended(self, target: Target, attempt: Attempt) -> None:
        """Take no note."""

    def call_ended(self, settlement: Settlement, *, answered: bool) -> None:
        """Take no note."""
