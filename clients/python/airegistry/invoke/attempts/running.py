"""One call through the engine: attempt after attempt, up to the answer or to the last error."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from airegistry._status import status_of
from airegistry.dialects.exchange import Answer
from airegistry.errors import (
    DeadlineExceededError,
    ProviderError,
    RegistryError,
    without_frames,
)
from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.invocation import (
    AttemptOutcome,
    AttemptStarted,
    InvokeEvent,
    Restarted,
    Settlement,
    StreamEnd,
)
from airegistry.invocations.kinds import AgentTaskResponse, RawResponse
from airegistry.invocations.streaming import Piece
from airegistry.invoke.attempts.asking import Ask
from airegistry.invoke.attempts.exchange import Exchange, Times
from airegistry.invoke.attempts.hedging import hedgeable, race
from airegistry.invoke.attempts.hold_back import HoldBack
from airegistry.invoke.attempts.ledger import Ledger
from airegistry.invoke.attempts.said import Said, continuable, continues
from airegistry.invoke.attempts.turns import Turns
from airegistry.invoke.attempts.work import Means, Work
from airegistry.invoke.budgets import Budget
from airegistry.invoke.observer import STREAMED, WHOLE, Circumstances
from airegistry.resources.route import ErrorClass
from airegistry.routing.error_classes import Blame, classify, never_asked
from airegistry.routing.gates.gate import Passages
from airegistry.routing.itinerary import Itinerary
from airegistry.routing.plan import nobody
from airegistry.routing.target import Target


class Running:
    """One call.

    After `events` came to its end, `settlement` is the account of it, `answer` the whole answer of a call that is not
    streamed, and `wire` the bytes of it, where the caller speaks the format of who answered.
    """

    def __init__(self, work: Work, means: Means, itinerary: Itinerary, budget: Budget, ledger: Ledger) -> None:
        self._said = Said() if _may_be_continued(work) else None
        if self._said is not None and work.origin is not None:
            # To go on with a text, it has to be known.
            work = replace(work, origin=replace(work.origin, relay=False))
        self._work = work
        self._means = means
        self._budget = budget
        self._ledger = ledger
        self._committed = False
        self._failure: RegistryError | None = None
        self._turns = Turns(work, means, itinerary, budget, ledger)
        # Whose text the caller has, when another one goes on with it.
        self._earlier: list[Exchange] = []
        # Of attempts that run side by side, the one that has something to say first.
        self._first: Exchange | None = None
        self._raced = False
        self._circumstances = STREAMED if work.stream else WHOLE
        self._answering: Exchange | None = None
        self.answer: Answer | None = None
        self.wire: bytes | None = None
        self.settlement: Settlement | None = None

    async def events(self) -> AsyncGenerator[list[InvokeEvent], None]:
        """Yield what happens, all that is ready together; nothing for a call that is not streamed.

        Raises the error of the last attempt, with all of them in `attempts`, unless an answer came to its proper end.
        """
        try:
            while (wording := await self._next()) is not None:
                if self._committed and not wording.continues:
                    yield [InvokeEvent(restarted=self._restarted())]
                self._first = None
                async with aclosing(self._attempts(wording)) as batches:
                    async for batch in batches:
                        if batch:
                            yield batch
                if self._answering is not None:
                    return
            raise self._given_up()
        finally:
            self._tell_call()

    async def _next(self) -> Ask | None:
        """Return the request for whom to ask now; None when nobody is left, or nobody may be asked any more."""
        if isinstance(self._failure, DeadlineExceededError):
            return None
        if not self._committed:
            return self._turns.next() or await self._turns.after_a_pause()
        going_on = self._turns.going_on(self._said) if self._said is not None else None
        return going_on or (self._turns.next() if self._work.accept_restart else None)

    def _attempts(self, wording: Ask) -> AsyncGenerator[list[InvokeEvent], None]:
        """Ask one target, and another one beside it where the policy says so and the first one is silent."""
        delay = self._work.plan.policy.hedge_delay
        self._raced = False
        if delay is None or self._committed or wording.target.is_agent or not hedgeable(self._work.request):
            return self._attempt(wording)
        if not self._ledger.started:
            self._means.hedges.earn()
        self._raced = True
        return race(self._attempt(wording), delay, self._beside)

    def _beside(self) -> AsyncGenerator[list[InvokeEvent], None] | None:
        wording = self._turns.beside(self._means.hedges.spend)
        return self._attempt(wording) if wording is not None else None

    async def _attempt(self, wording: Ask) -> AsyncGenerator[list[InvokeEvent], None]:
        """Ask one target. Its failure is noted, not raised; the answer's last part comes with the end of the call."""
        exchange = Exchange(wording, self._times(wording.target), self._budget, self._means.now, self._ledger.begin())
        last: list[InvokeEvent] = []
        with self._means.picker.lend(wording.target), self._means.gate.passage(wording.target) as passage:
            try:
                proof = self._means.credentials.of(wording.target.endpoint)
                if not self._work.stream:
                    await exchange.fetch(self._means.transport, proof)
                else:
                    async with aclosing(exchange.stream(self._means.transport, proof, self._hold())) as parts:
                        async for pieces in parts:
                            last = self._told(exchange, pieces)
                            if last and not exchange.finished:
                                yield last
            except ProviderError as error:
                self._provider_failed(exchange, passage, error)
                return
            except DeadlineExceededError as error:
                self._failure = without_frames(error)
                self._note(exchange, AttemptOutcome.ERROR, error, ErrorClass.TIMEOUT, self._cut_short)
                return
            except (asyncio.CancelledError, GeneratorExit):
                superseded = self._first not in (None, exchange)
                self._note(exchange, AttemptOutcome.SUPERSEDED if superseded else AttemptOutcome.CANCELED)
                raise
            passage.answered()
        if not self._is_first(exchange):
            self._note(exchange, AttemptOutcome.SUPERSEDED)
            return
        self._note(exchange, AttemptOutcome.OK)
        if self._raced:
            # Who runs beside it has to end before the account is made.
            yield []
        self._answered(exchange)
        if self._work.stream:
            yield [*last, InvokeEvent(end=StreamEnd(self.settlement, exchange.extra or None))]

    def _answered(self, exchange: Exchange) -> None:
        self._answering = exchange
        self.answer, self.wire = exchange.answer, exchange.wire
        if exchange.first_token_at is not None:
            began = exchange.first_token_at - exchange.started_at
            self._means.latencies.note(exchange.ask.target.name, began, stream=self._work.stream)
        self._settle()

    def _hold(self) -> HoldBack:
        policy = self._work.plan.policy
        return HoldBack(policy.hold_back_tokens or 0, policy.hold_back_duration, self._means.now)

    def _is_first(self, exchange: Exchange) -> bool:
        """Say whether no attempt beside this one had something to say before."""
        self._first = self._first or exchange
        return self._first is exchange

    def _told(self, exchange: Exchange, pieces: list[Piece]) -> list[InvokeEvent]:
        """Return the events for what the caller gets; with the first of them the call is committed."""
        if not (pieces or exchange.finished) or not self._is_first(exchange):
            return []
        if self._said is not None:
            pieces = self._said.joined(pieces) if exchange.ask.continues else pieces
            self._said.add(pieces)
        events = [_event(piece) for piece in pieces]
        if self._committed:
            return events
        self._committed = True
        return [InvokeEvent(started=self._started(exchange)), *events]

    def _started(self, exchange: Exchange) -> AttemptStarted:
        head, target = exchange.head, exchange.ask.target
        return AttemptStarted(
            target=target.name,
            attempt=exchange.number,
            upstream_id=head.upstream_id,
            upstream_model=head.upstream_model,
            created=head.created,
            warnings=self._ledger.notices(self._work.plan, target),
        )

    def _times(self, target: Target) -> Times:
        """Return the time budgets. A whole answer shows no first token, so that only a stated time for it counts there.

        Of an agent only stated times count: it may work for minutes before it has something to say.
        """
        policy, said = self._work.plan.policy, self._work.plan.said
        shows_tokens = self._work.stream and not target.is_agent
        first_token = policy.first_token_timeout if shows_tokens else said.first_token_timeout
        return Times(
            connect=policy.connect_timeout or math.inf,
            first_token=first_token or policy.total_timeout or math.inf,
            idle=(said.idle_timeout if target.is_agent else policy.idle_timeout) or math.inf,
        )

    def _provider_failed(self, exchange: Exchange, passage: Passages, error: ProviderError) -> None:
        target = exchange.ask.target
        verdict = classify(error, reroute_refusals=bool(self._work.plan.policy.reroute_refusals))
        circumstances = self._circumstances
        if self._work.plan.impatient and verdict.error_class is ErrorClass.TIMEOUT and error.http_status is None:
            # Slow for this call alone: others would have waited.
            verdict, circumstances = replace(verdict, blame=Blame.UNDECIDED), self._cut_short
        elif never_asked(error):
            circumstances = replace(circumstances, telling=False)
        passage.failed(verdict, error)
        if verdict.error_class is ErrorClass.CREDENTIAL:
            self._means.credentials.forget(target.endpoint.credential)
        self._note(exchange, AttemptOutcome.ERROR, error, verdict.error_class, circumstances)
        if self._turns.failed(exchange.ask, verdict, error):
            if self._first is exchange and self._committed:
                self._earlier.append(exchange)
            self._failure = without_frames(error)

    def _note(
        self,
        exchange: Exchange,
        outcome: AttemptOutcome,
        error: RegistryError | None = None,
        error_class: ErrorClass | None = None,
        circumstances: Circumstances | None = None,
    ) -> None:
        target = exchange.ask.target
        attempt = self._ledger.note(exchange, outcome, error, error_class)
        if attempt.usage is not None:
            self._means.gate.quotas.used(target, (attempt.usage.input_tokens or 0) + (attempt.usage.output_tokens or 0))
        self._means.observer.attempt_ended(target, attempt, circumstances or self._circumstances)
        if self._work.choices is not None:
            self._work.choices.ended(target, attempt, circumstances or self._circumstances)

    @property
    def _cut_short(self) -> Circumstances:
        return replace(self._circumstances, cut_short=True)

    def _restarted(self) -> Restarted:
        self._committed = False
        self._earlier.clear()
        self._said = Said() if self._said is not None else None
        return Restarted(status_of(self._failure) if self._failure is not None else None)

    def _settle(self) -> None:
        choices = self._work.choices
        self.settlement = self._ledger.settlement(
            self._work.plan,
            self._answering,
            earlier=self._earlier,
            stale=self._work.stale,
            call_id=choices.call_id if choices is not None else "",
        )

    def _given_up(self) -> RegistryError:
        plan = self._work.plan
        error = self._failure or self._turns.unfit or nobody(plan, self._means.gate.wait(plan.kept_away))
        error.attempts = tuple(self._ledger.attempts)
        # What is raised must not be held by what it came through.
        self._failure = None
        return error

    def _tell_call(self) -> None:
        if self.settlement is None:
            self._settle()
        if self.settlement is not None:
            self._means.observer.call_ended(self.settlement, answered=self._answering is not None)


def _event(piece: Piece) -> InvokeEvent:
    if isinstance(piece, ChatDelta):
        return InvokeEvent(chat_delta=piece)
    if isinstance(piece, AgentTaskResponse):
        return InvokeEvent(agent_task=piece)
    return InvokeEvent(raw=RawResponse(body=piece.data))


def _may_be_continued(work: Work) -> bool:
    """Say whether a cut answer could be gone on with: then its text has to be remembered."""
    if not work.stream or not continuable(work.request):
        return False
    return any(continues(target) for tier in work.plan.tiers for group in tier for target in group.targets)
