"""One call through the engine: attempt after attempt, up to the answer or to the last error."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from airegistry._status import status_of
from airegistry.dialects.exchange import Answer, Input
from airegistry.errors import (
    DeadlineExceededError,
    FieldViolation,
    InvalidArgumentError,
    ProviderError,
    RegistryError,
    UnsupportedFieldError,
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
from airegistry.invocations.kinds import RawResponse
from airegistry.invocations.streaming import Piece
from airegistry.invoke.asking import Ask, ask
from airegistry.invoke.budgets import Budget
from airegistry.invoke.credentials import Credentials
from airegistry.invoke.exchange import Exchange, Times
from airegistry.invoke.hold_back import HoldBack
from airegistry.invoke.ledger import Ledger
from airegistry.invoke.observer import Observer
from airegistry.invoke.origin import Origin
from airegistry.invoke.standing import Spoken
from airegistry.invoke.transport import Transport
from airegistry.resources.route import ErrorClass, LossPolicy
from airegistry.routing.error_classes import classify
from airegistry.routing.gate import Gate, Passages
from airegistry.routing.itinerary import Itinerary
from airegistry.routing.latencies import Latencies
from airegistry.routing.picker import Picker
from airegistry.routing.plan import Plan, nobody
from airegistry.routing.target import Target


@dataclass(frozen=True, slots=True)
class Means:
    """What calls share: the way to providers, and what is known of them."""

    transport: Transport
    credentials: Credentials
    gate: Gate
    picker: Picker
    latencies: Latencies
    observer: Observer
    now: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Work:
    """What one call is about."""

    request: Input
    spoken: Spoken
    plan: Plan
    stream: bool
    accept_restart: bool = False
    stale: bool = False
    origin: Origin | None = None


class Running:
    """One call.

    After `events` came to its end, `settlement` is the account of it, `answer` the whole answer of a call that is not
    streamed, and `wire` the bytes of it, where the caller speaks the format of who answered.
    """

    def __init__(self, work: Work, means: Means, itinerary: Itinerary, budget: Budget, ledger: Ledger) -> None:
        self._work = work
        self._means = means
        self._itinerary = itinerary
        self._budget = budget
        self._ledger = ledger
        self._committed = False
        self._failure: RegistryError | None = None
        self._unfit: InvalidArgumentError | None = None
        self._answering: Exchange | None = None
        self.answer: Answer | None = None
        self.wire: bytes | None = None
        self.settlement: Settlement | None = None

    async def events(self) -> AsyncGenerator[list[InvokeEvent], None]:
        """Yield what happens, all that is ready together; nothing but the end for a call that is not streamed.

        Raises the error of the last attempt, with all of them in `attempts`, unless an answer came to its proper end.
        """
        try:
            while (wording := self._next()) is not None:
                if self._committed:
                    yield [InvokeEvent(restarted=self._restarted())]
                async with aclosing(self._attempt(wording)) as batches:
                    async for batch in batches:
                        yield batch
                if self._answering is not None:
                    return
            raise self._given_up()
        finally:
            self._tell_call()

    def _next(self) -> Ask | None:
        """Return the request for whom to ask now; None when nobody is left, or nobody may be asked any more."""
        if isinstance(self._failure, DeadlineExceededError) or (self._committed and not self._work.accept_restart):
            return None
        while len(self._ledger.attempts) < (self._work.plan.policy.max_attempts or 1):
            target = self._itinerary.next()
            if target is None:
                return None
            if (wording := self._worded(target)) is not None:
                return wording
        return None

    def _worded(self, target: Target) -> Ask | None:
        """Return the request in the words of a target; None when it cannot be asked that."""
        try:
            wording = ask(
                target, self._work.request, self._work.spoken, stream=self._work.stream, origin=self._work.origin
            )
        except InvalidArgumentError as error:
            self._unfit = error
            return None
        lost = wording.encoded.warnings
        if lost and self._work.plan.policy.loss is LossPolicy.REFUSE:
            violations = [FieldViolation(f"invocation.{warning.path}", warning.message) for warning in lost]
            self._unfit = UnsupportedFieldError(violations=violations)
            return None
        return wording

    async def _attempt(self, wording: Ask) -> AsyncGenerator[list[InvokeEvent], None]:
        """Ask one target. Its failure is noted, not raised; the answer's last part comes with the end of the call."""
        exchange = Exchange(wording, self._times(), self._budget, self._means.now)
        last: list[InvokeEvent] = []
        with self._means.picker.lend(wording.target), self._means.gate.passage(wording.target) as passage:
            try:
                async with aclosing(self._parts(exchange)) as parts:
                    async for pieces in parts:
                        last = self._told(exchange, pieces)
                        if last and not exchange.finished:
                            yield last
            except ProviderError as error:
                self._provider_failed(exchange, passage, error)
                return
            except DeadlineExceededError as error:
                self._failure = error
                self._note(exchange, AttemptOutcome.ERROR, error, ErrorClass.TIMEOUT)
                return
            except (asyncio.CancelledError, GeneratorExit):
                self._note(exchange, AttemptOutcome.CANCELED)
                raise
            passage.answered()
        self._answering = exchange
        self._note(exchange, AttemptOutcome.OK)
        self._settle()
        yield [*last, InvokeEvent(end=StreamEnd(self.settlement, exchange.extra or None))]

    async def _parts(self, exchange: Exchange) -> AsyncGenerator[list[Piece], None]:
        endpoint = exchange.ask.target.endpoint
        secret = self._means.credentials.get(endpoint.credential) if endpoint.credential else None
        if not self._work.stream:
            await exchange.fetch(self._means.transport, secret)
            self.answer, self.wire = exchange.answer, exchange.wire
            return
        policy = self._work.plan.policy
        hold = HoldBack(policy.hold_back_tokens or 0, policy.hold_back_duration, self._means.now)
        async with aclosing(exchange.stream(self._means.transport, secret, hold)) as parts:
            async for pieces in parts:
                yield pieces

    def _told(self, exchange: Exchange, pieces: list[Piece]) -> list[InvokeEvent]:
        """Return the events for what the caller gets; with the first of them the call is committed."""
        events = [_event(piece) for piece in pieces]
        if self._committed or not (events or exchange.finished):
            return events
        self._committed = True
        head = exchange.head
        started = AttemptStarted(
            target=exchange.ask.target.name,
            attempt=len(self._ledger.attempts) + 1,
            upstream_id=head.upstream_id,
            upstream_model=head.upstream_model,
            created=head.created,
        )
        return [InvokeEvent(started=started), *events]

    def _times(self) -> Times:
        """Return the time budgets. A whole answer shows no first token, so that only a stated time for it counts there."""
        policy, said = self._work.plan.policy, self._work.plan.said
        first_token = policy.first_token_timeout if self._work.stream else said.first_token_timeout
        return Times(
            connect=policy.connect_timeout or math.inf,
            first_token=first_token or policy.total_timeout or math.inf,
            idle=policy.idle_timeout or math.inf,
        )

    def _provider_failed(self, exchange: Exchange, passage: Passages, error: ProviderError) -> None:
        target = exchange.ask.target
        verdict = classify(error, reroute_refusals=bool(self._work.plan.policy.reroute_refusals))
        passage.failed(verdict, error)
        if verdict.error_class is ErrorClass.CREDENTIAL:
            self._means.credentials.forget(target.endpoint.credential)
        self._failure = error
        self._itinerary.failed(target, verdict)
        self._note(exchange, AttemptOutcome.ERROR, error, verdict.error_class)

    def _note(
        self,
        exchange: Exchange,
        outcome: AttemptOutcome,
        error: RegistryError | None = None,
        error_class: ErrorClass | None = None,
    ) -> None:
        attempt = self._ledger.note(exchange, outcome, error, error_class)
        self._means.observer.attempt_ended(exchange.ask.target, attempt)

    def _restarted(self) -> Restarted:
        self._committed = False
        return Restarted(status_of(self._failure) if self._failure is not None else None)

    def _settle(self) -> None:
        self.settlement = self._ledger.settlement(self._work.plan, self._answering, stale=self._work.stale)

    def _given_up(self) -> RegistryError:
        plan = self._work.plan
        error = self._failure or self._unfit or nobody(plan, self._means.gate.wait(plan.kept_away))
        error.attempts = tuple(self._ledger.attempts)
        return error

    def _tell_call(self) -> None:
        if self.settlement is None:
            self._settle()
        if self.settlement is not None:
            self._means.observer.call_ended(self.settlement, answered=self._answering is not None)


def _event(piece: Piece) -> InvokeEvent:
    if isinstance(piece, ChatDelta):
        return InvokeEvent(chat_delta=piece)
    return InvokeEvent(raw=RawResponse(body=piece.data))
