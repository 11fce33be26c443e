"""Who wants to know what became of calls: metrics, and who reports what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from airegistry.invocations.invocation import Attempt, Settlement
from airegistry.routing.target import Target


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an attempt does not say of itself."""

    streamed: bool = False
    """The answer came as it was made, so that the time to its first token is one."""
    cut_short: bool = False
    """Its caller's limit ended it, where others would have waited."""
    telling: bool = True
    """It says something of its target. A limit of our own does not, nor a count of tokens in the place of an answer."""


WHOLE: Final = Circumstances()
STREAMED: Final = Circumstances(streamed=True)


class Observer(Protocol):
    """Both methods must be quick and must not raise."""

    def attempt_ended(self, target: Target, attempt: Attempt, circumstances: Circumstances) -> None:
        """Note what became of one attempt."""
        ...

    def call_ended(self, settlement: Settlement, *, answered: bool) -> None:
        """Note what became of a call that was attempted at all."""
        ...


class Nobody:
    """Takes no notes."""

    def attempt_ended(self, target: Target, attempt: Attempt, circumstances: Circumstances) -> None:
        """Take no note."""

    def call_ended(self, settlement: Settlement, *, answered: bool) -> None:
        """Take no note."""


class Observers:
    """Several, told one after the other."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def attempt_ended(self, target: Target, attempt: Attempt, circumstances: Circumstances) -> None:
        """Tell all of an attempt."""
        for observer in self._observers:
            observer.attempt_ended(target, attempt, circumstances)

    def call_ended(self, settlement: Settlement, *, answered: bool) -> None:
        """Tell all of a call."""
        for observer in self._observers:
            observer.call_ended(settlement, answered=answered)
