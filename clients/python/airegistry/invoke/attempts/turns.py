"""Whose turn it is in one call, and in which words it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from airegistry.errors import FieldViolation, InvalidArgumentError, ProviderError, UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest
from airegistry.invoke.attempts.asking import Ask, ask
from airegistry.invoke.attempts.ledger import Ledger
from airegistry.invoke.attempts.said import Said, continues
from airegistry.invoke.attempts.work import Means, Work
from airegistry.invoke.budgets import Budget
from airegistry.resources.route import ErrorClass, LossPolicy
from airegistry.routing.error_classes import Verdict
from airegistry.routing.itinerary import Itinerary
from airegistry.routing.target import Target

_ASKING_FOR_TIME = frozenset({ErrorClass.RATE_LIMITED, ErrorClass.OVERLOADED})


class Turns:
    """Finds whom to ask next. `unfit` is why somebody could not be asked in the end, where nobody else could."""

    def __init__(self, work: Work, means: Means, itinerary: Itinerary, budget: Budget, ledger: Ledger) -> None:
        self._work = work
        self._means = means
        self._itinerary = itinerary
        self._budget = budget
        self._ledger = ledger
        self._no_prefix: set[str] = set()
        self._asked_for_time: list[Target] = []
        self._paused = False
        self.unfit: InvalidArgumentError | None = None

    def next(self) -> Ask | None:
        """Return the request for whom to ask now; None when nobody is left, or there were attempts enough."""
        while self._may_attempt and (target := self._itinerary.next()) is not None:
            if (wording := self._worded(target, self._work)) is not None:
                return wording
        return None

    def beside(self, allowed: Callable[[], bool]) -> Ask | None:
        """Return the request for somebody to ask beside who is silent, once it is *allowed*."""
        agents: list[Target] = []
        try:
            return self._beside(allowed, agents)
        finally:
            for agent in agents:
                self._itinerary.release(agent)

    def _beside(self, allowed: Callable[[], bool], agents: list[Target]) -> Ask | None:
        while self._may_attempt and (target := self._itinerary.beside()) is not None:
            if target.is_agent:
                # What it does may have effects: it is asked alone, in its turn.
                agents.append(target)
            elif (wording := self._worded(target, self._work)) is not None:
                if allowed():
                    return wording
                self._itinerary.release(target)
                return None
        return None

    def going_on(self, said: Said) -> Ask | None:
        """Return the request to go on with what was said; None where nobody declares that, or it is no plain text."""
        request, origin = self._work.request, self._work.origin
        if not said.plain or not isinstance(request, ChatRequest):
            return None
        # The caller's own bytes are of the request that was cut: of them only the format counts here.
        origin = replace(origin, body=None) if origin is not None else None
        rest = replace(self._work, request=said.request(request), origin=origin)
        while self._may_attempt and (target := self._itinerary.next(self._goes_on)) is not None:
            if (wording := self._worded(target, rest)) is not None:
                return replace(wording, continues=True)
        return None

    async def after_a_pause(self) -> Ask | None:
        """Wait once for who asked for a little time, when nobody else is left; the caller's time must allow it."""
        soonest = self._means.gate.soonest(self._asked_for_time)
        if self._paused or not self._may_attempt or soonest is None:
            return None
        wait, target = soonest
        self._paused = True
        if not await self._means.pauses.waited(target.name, wait, left=self._budget.left):
            return None
        self._itinerary.again(target)
        return self.next()

    def failed(self, wording: Ask, verdict: Verdict, error: ProviderError) -> bool:
        """Note what became of an attempt; say whether it says anything of the caller's own request."""
        target = wording.target
        if wording.continues and verdict.error_class is ErrorClass.INVALID_REQUEST:
            # It refused the beginning that it was given, and has not seen the request without.
            self._no_prefix.add(target.name)
            self._itinerary.release(target)
            return False
        if verdict.error_class in _ASKING_FOR_TIME and error.retry_after is not None:
            self._asked_for_time.append(target)
        self._itinerary.failed(target, verdict)
        return True

    @property
    def _may_attempt(self) -> bool:
        return self._ledger.started < (self._work.plan.policy.max_attempts or 1)

    def _goes_on(self, target: Target) -> bool:
        return continues(target) and target.name not in self._no_prefix

    def _worded(self, target: Target, work: Work) -> Ask | None:
        """Return the request in the words of a target; None when it cannot be asked that."""
        try:
            wording = ask(target, work.request, work.spoken, stream=work.stream, origin=work.origin)
        except InvalidArgumentError as error:
            self.unfit = error
            return None
        lost = wording.encoded.warnings
        if lost and work.plan.policy.loss is LossPolicy.REFUSE:
            violations = [FieldViolation(f"invocation.{warning.path}", warning.message) for warning in lost]
            self.unfit = UnsupportedFieldError(violations=violations)
            return None
        return wording
