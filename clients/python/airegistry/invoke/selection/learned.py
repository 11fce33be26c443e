"""Learned selection in one process: what all its calls share."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from airegistry.errors import NotFoundError
from airegistry.invoke.selection.journal import Journal
from airegistry.learning.feedback import ReportFeedbackRequest, ReportFeedbackResponse, merged
from airegistry.learning.outcomes import RewardScale, reward
from airegistry.learning.recent import RecentCall, RecentCalls
from airegistry.learning.records import Decision, decision_line, feedback_line
from airegistry.learning.selector import Selector, SelectorSettings

_SEEDS = 2**32


@dataclass(frozen=True, slots=True)
class LearnedSettings:
    """How is learned. With a *seed* the same calls with the same outcomes are chosen for alike; without one it is drawn."""

    selector: SelectorSettings = field(default_factory=SelectorSettings)
    scale: RewardScale = field(default_factory=RewardScale)
    seed: int | None = None


class LearnedSelection:
    """What was learned, by whom it may be used, and who is told.

    While the file *off* is there, nothing is learned and nobody is chosen by it; that is looked at for every choice. *now* is a
    monotonic clock in seconds, by which is forgotten, *clock* the wall clock of the log.
    """

    def __init__(
        self,
        settings: LearnedSettings,
        *,
        now: Callable[[], float],
        clock: Callable[[], datetime],
        journal: Journal | None = None,
        off: Path | None = None,
    ) -> None:
        self.settings = settings
        self.seed = random.randrange(_SEEDS) if settings.seed is None else settings.seed
        self.selector = Selector(settings.selector, random.Random(self.seed))
        self.now = now
        self._clock = clock
        self._journal = journal
        self._off = off
        self._recent = RecentCalls()

    @property
    def allowed(self) -> bool:
        """Whether nobody turned it off."""
        return self._off is None or not self._off.exists()

    def ended(self, decision: Decision) -> None:
        """Learn from an attempt, and log it."""
        arm = decision.considered[decision.chosen].arm
        if decision.reward is not None:
            at = self.now()
            self.selector.beliefs.learn(decision.task, arm, decision.reward, at)
            if decision.outcome.answered:
                call = RecentCall(decision.task, arm, decision.outcome, decision.reward, at)
                self._recent.note(decision.call_id, call)
        self._log(decision_line(decision))

    def report(self, feedback: ReportFeedbackRequest) -> ReportFeedbackResponse:
        """Learn from what somebody says of an answer, which was checked; NotFoundError for a call that is not known, or no more."""
        at = self.now()
        call = self._recent.get(feedback.call_id, at)
        if call is None:
            raise NotFoundError("no call of late has that call_id, or nothing was learned from it")
        known = merged(call.feedback, feedback)
        worth = reward(call.outcome, self.settings.scale, known.quality) or 0.0
        self.selector.beliefs.correct(call.task, call.arm, worth - call.reward, learned_at=call.at, at=at)
        self._recent.said(feedback.call_id, known, worth)
        self._log(feedback_line(known, worth, self.wall()))
        return ReportFeedbackResponse(call.arm.name, worth)

    def wall(self) -> float:
        """Return the time for the log, in seconds since 1970."""
        return self._clock().timestamp()

    def _log(self, line: str) -> None:
        if self._journal is not None:
            self._journal.add(line)
