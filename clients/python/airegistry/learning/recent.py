"""The calls of late that somebody may still say something of."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from airegistry.learning.arms import Arm
from airegistry.learning.feedback import ReportFeedbackRequest
from airegistry.learning.outcomes import Outcome

KEPT = 10_000
EXPIRY = 3_600.0
"""Seconds after which nobody can say anything of a call any more."""


@dataclass(frozen=True, slots=True)
class RecentCall:
    """Who answered a call, and what was learned from that."""

    task: str
    arm: Arm
    outcome: Outcome
    reward: float
    at: float
    feedback: ReportFeedbackRequest = field(default_factory=ReportFeedbackRequest)


class RecentCalls:
    """At most *kept* calls by id, each for *expiry* seconds; the oldest go first."""

    def __init__(self, *, kept: int = KEPT, expiry: float = EXPIRY) -> None:
        self._kept = kept
        self._expiry = expiry
        self._calls: OrderedDict[str, RecentCall] = OrderedDict()

    def __len__(self) -> int:
        return len(self._calls)

    def note(self, call_id: str, call: RecentCall) -> None:
        """Remember an answered call."""
        self._calls[call_id] = call
        while len(self._calls) > self._kept:
            self._calls.popitem(last=False)

    def get(self, call_id: str, at: float) -> RecentCall | None:
        """Return a call; None when it is not known, or no more."""
        call = self._calls.get(call_id)
        return None if call is None or at - call.at > self._expiry else call

    def said(self, call_id: str, feedback: ReportFeedbackRequest, reward: float) -> None:
        """Note what is known of a call now."""
        self._calls[call_id] = replace(self._calls[call_id], feedback=feedback, reward=reward)
