"""One call through the engine: attempt after attempt, up to the answer or to the last error."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Final

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
from airegistry.invocations.streaming import Happening, OnePiece, Piece, TextRun
from airegistry.invoke.attempts.asking import Ask
from airegistry.invoke.attempts.exchange import Exchange, Times
from airegistry.invoke.attempts.hedging import hedgeable, race
from airegistry.invoke.attempts.hold_back import HoldBack
from airegistry.invoke.attempts.ledger import Ledger
from airegistry.invoke.attempts.said import Said, may_be_continued
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

_BREAKS: Final = (ProviderError, DeadlineExceededError, asyncio.CancelledError, GeneratorExit)
"""What breaks an attempt off; anything else is a fault of ours."""


class Running:
    """One call.

    After `events` or `finish` came to its end, `settlement` is the account of it, `answer` the whole answer of a call that is not
    streamed, and `wire` the bytes of it, where the caller speaks the format of who answered.
    """

    def __init__(self, work: Work, means: Means, itinerary: Itinerary, budget: Budget, ledger: Ledger) -> None:
        self._said = Said() if may_be_continued(work) else None
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

    async def events(self) -> AsyncGenerator[list[Happening], None]:
        """Yield what happens in a streamed call, all that is ready together.

        Raises the error of the last attempt, with all of them in `attempts`, unless an answer came to its proper end.
        """
        try:
            while (wording := await self._next()) is not None:
                if self._committed and not wording.continues:
                    yield [InvokeEvent(restarted=self._restarted())]
                attempt = self._race(wording) if self._raced else self._stream(wording)
                async with aclosing(attempt) as batches:
                    async for batch in batches:
                        if batch:
                            yield batch
        finally:
            self._tell_call()

    async def finish(self) -> None:
        """Bring a call to its end that is not streamed. Raises as `events` does.

        Without a race it is no generator, down to the socket: an event loop keeps account of each of those.
        """
        try:
            while (wording := await self._next()) is not None:
                if self._raced:
                    # It ends by itself, however it ends: nothing happens between two of its batches.
                    async for _ in self._race(wording):
                        pass
                elif (exchange := await self._fetched(wording)) is not None:
                    self._answered(exchange)
        finally:
            self._tell_call()

    async def _next(self) -> Ask | None:
        """Return the request for whom to ask now; None once there is an answer. Raises the call's error when nobody is left."""
        if self._answering is not None:
            return None
        wording = await self._whom()
        if wording is None:
            raise self._given_up()
        self._first = None
        self._raced = self._may_race(wording)
        return wording

    async def _whom(self) -> Ask | None:
        """Return the request for whom to ask now; None when nobody is left, or nobody may be asked any more."""
        if isinstance(self._failure, DeadlineExceededError):
            return None
        if not self._committed:
            return self._turns.next() or await self._turns.after_a_pause()
        going_on = self._turns.going_on(self._said) if self._said is not None else None
        return going_on or (self._turns.next() if self._work.accept_restart else None)

    def _may_race(self, wording: Ask) -> bool:
        """Say whether another one may be asked beside a target, once that is silent for as long as the policy says."""
        if self._work.plan.policy.hedge_delay is None or self._committed:
            return False
        return not wording.target.is_agent and hedgeable(self._work.request)

    def _race(self, wording: Ask) -> AsyncGenerator[list[Happening], None]:
        """Ask one target, and another one beside it when the first one is silent."""
        if not self._ledger.started:
            self._means.hedges.earn()
        return race(self._attempt(wording), self._work.plan.policy.hedge_delay or 0.0, self._beside)

    def _beside(self) -> AsyncGenerator[list[Happening], None] | None:
        wording = self._turns.beside(self._means.hedges.spend)
        return self._attempt(wording) if wording is not None else None

    def _attempt(self, wording: Ask) -> AsyncGenerator[list[Happening], None]:
        return self._stream(wording) if self._work.stream else self._whole(wording)

    async def _whole(self, wording: Ask) -> AsyncGenerator[list[Happening], None]:
        """Ask one target for a whole answer, in a race."""
        if (exchange := await self._fetched(wording)) is not None:
            # Who runs beside it has to end before the account is made.
            yield []
            self._answered(exchange)

    async def _fetched(self, wording: Ask) -> Exchange | None:
        """Ask one target for a whole answer; None when it failed, or was not the first. Either is noted, not raised."""
        target, means, exchange = wording.target, self._means, self._exchange(wording)
        with means.picker.lend(target), means.gate.passage(target) as passage:
            try:
                await exchange.fetch(means.transport, means.credentials.of(target.endpoint))
            except _BREAKS as error:
                if self._ended_from_outside(exchange, passage, error):
                    raise
                return None
            passage.answered()
        return exchange if self._taken(exchange) else None

    async def _stream(self, wording: Ask) -> AsyncGenerator[list[Happening], None]:
        """Ask one target. Its failure is noted, not raised; the answer's last part comes with the end of the call."""
        target, means, exchange = wording.target, self._means, self._exchange(wording)
        last: list[Happening] = []
        with means.picker.lend(target), means.gate.passage(target) as passage:
            try:
                proof = means.credentials.of(target.endpoint)
                async with aclosing(exchange.stream(means.transport, proof, self._hold())) as parts:
                    async for pieces in parts:
                        last = self._told(exchange, pieces)
                        if last and not exchange.finished:
                            yield last
            except _BREAKS as error:
                if self._ended_from_outside(exchange, passage, error):
                    raise
                return
            passage.answered()
        if not self._taken(exchange):
            return
        if self._raced:
            # As in `_whole`.
            yield []
        self._answered(exchange)
        yield [*last, InvokeEvent(end=StreamEnd(self.settlement, exchange.extra or None))]

    def _exchange(self, wording: Ask) -> Exchange:
        return Exchange(wording, self._times(wording.target), self._budget, self._means.now, self._ledger.begin())

    def _ended_from_outside(self, exchange: Exchange, passage: Passages, error: BaseException) -> bool:
        """Note what broke an attempt off; say whether somebody did who has to hear of it."""
        if isinstance(error, ProviderError):
            self._provider_failed(exchange, passage, error)
            return False
        if isinstance(error, DeadlineExceededError):
            self._failure = without_frames(error)
            self._note(exchange, AttemptOutcome.ERROR, error, ErrorClass.TIMEOUT, self._cut_short)
            return False
        superseded = self._first not in (None, exchange)
        self._note(exchange, AttemptOutcome.SUPERSEDED if superseded else AttemptOutcome.CANCELED)
        return True

    def _taken(self, exchange: Exchange) -> bool:
        """Note that an attempt came to its proper end; say whether it is the answer."""
        first = self._is_first(exchange)
        self._note(exchange, AttemptOutcome.OK if first else AttemptOutcome.SUPERSEDED)
        return first

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

    def _told(self, exchange: Exchange, pieces: list[Piece]) -> list[Happening]:
        """Return the events for what the caller gets; with the first of them the call is committed."""
        if not (pieces or exchange.finished) or not self._is_first(exchange):
            return []
        if self._said is not None:
            pieces = self._said.joined(pieces) if exchange.ask.continues else pieces
            self._said.add(pieces)
        events: list[Happening] = [piece if isinstance(piece, TextRun) else _event(piece) for piece in pieces]
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


def _event(piece: OnePiece) -> InvokeEvent:
    if isinstance(piece, ChatDelta):
        return InvokeEvent(chat_delta=piece)
    if isinstance(piece, AgentTaskResponse):
        return InvokeEvent(agent_task=piece)
    return InvokeEvent(raw=RawResponse(body=piece.data))
