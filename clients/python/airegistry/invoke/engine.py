"""The one way from an invocation to its answer: route, candidates, attempts, commit point, settlement."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from airegistry._making import quickly_made
from airegistry.dialects.exchange import Output
from airegistry.errors import (
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
    UnsupportedFieldError,
)
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.estimating import estimated_tokens
from airegistry.invocations.invocation import Invocation, InvokeEvent, Settlement
from airegistry.invocations.streaming import Happening, events_of
from airegistry.invoke.admission import Admission
from airegistry.invoke.attempts.hedging import HedgeBudget
from airegistry.invoke.attempts.ledger import Ledger
from airegistry.invoke.attempts.running import Running
from airegistry.invoke.attempts.work import Means, Work
from airegistry.invoke.budgets import Budget
from airegistry.invoke.call import Call
from airegistry.invoke.checks import check, check_for_explanation
from airegistry.invoke.counting import Counted, Counter, UncountableError
from airegistry.invoke.credentials import Credentials
from airegistry.invoke.explaining import Explainer, Known
from airegistry.invoke.lag import LoopLag
from airegistry.invoke.observer import Nobody, Observer
from airegistry.invoke.origin import Origin
from airegistry.invoke.pauses import Pauses
from airegistry.invoke.selection.choosing import Choices, Occasion
from airegistry.invoke.selection.learned import LearnedSelection
from airegistry.invoke.settings import EngineSettings
from airegistry.invoke.standing import LocalStanding, Spoken, Tongues, all_dialects
from airegistry.invoke.transport import Transport
from airegistry.learning.feedback import ReportFeedbackRequest, ReportFeedbackResponse, validate_feedback
from airegistry.learning.tasks import task_class
from airegistry.resources.requirements import DiscoverQuery
from airegistry.resources.resource import Resource
from airegistry.resources.route import PickStrategy, Selection
from airegistry.routing import policy
from airegistry.routing.candidates import Candidates
from airegistry.routing.explanation import ExplainResponse
from airegistry.routing.gates.breaker import Breakers
from airegistry.routing.gates.gate import Gate
from airegistry.routing.itinerary import Itinerary
from airegistry.routing.latencies import Latencies
from airegistry.routing.picker import Picker
from airegistry.routing.plan import Plan, Planner
from airegistry.routing.resolve import resolve
from airegistry.routing.serving import Serving
from airegistry.routing.target import Target, Tier
from airegistry.routing.view import View

_LIST_KEPT = 5.0


@quickly_made
@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer and the account of it."""

    output: Output
    settlement: Settlement
    wire: bytes | None = None
    """The answer as the provider wrote it, where the caller's format is its own."""


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class Engine:
    """Invokes models for many callers at once.

    *now* is a monotonic clock in seconds, *clock* the wall clock by which prices and lifecycles count. A *deadline* is how
    many seconds the caller still has; None: as many as it takes. Without *learned* nothing is learned, whatever a policy says.
    """

    def __init__(  # noqa: PLR0913 - everything that a test or an embedding program may replace
        self,
        view: View,
        transport: Transport,
        credentials: Credentials,
        *,
        settings: EngineSettings | None = None,
        observer: Observer | None = None,
        now: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = _wall_clock,
        rng: random.Random | None = None,
        learned: LearnedSelection | None = None,
    ) -> None:
        self._learned = learned
        self._view = view
        self._serving = Serving(view)
        self._settings = settings or EngineSettings()
        self._defaults = policy.merge(self._settings.policy, policy.DEFAULTS)
        self._now = now
        self._clock = clock
        self._credentials = credentials
        self._tongues = Tongues(all_dialects())
        self._rng = rng or random.Random()
        self.breakers = Breakers(self._settings.breaker, now)
        self._latencies = Latencies(now)
        self._picker = Picker(self._rng, self.breakers.share, self._latencies)
        self._gate = Gate(self.breakers, now, in_flight=self._picker.in_flight, value_of=credentials.get)
        self.lag = LoopLag(self._settings.longest_lag)
        self.admission = Admission(
            self._settings.max_in_flight,
            self._settings.queue_length,
            self._settings.longest_wait,
            strained=lambda: self.lag.strained,
        )
        self._listed: tuple[int, float, list[Resource]] = (-1, 0.0, [])
        self._means = Means(
            transport=transport,
            credentials=credentials,
            gate=self._gate,
            picker=self._picker,
            latencies=self._latencies,
            hedges=HedgeBudget(self._settings.hedge_share),
            observer=observer or Nobody(),
            now=now,
            pauses=Pauses(self._settings.longest_pause, self._rng),
        )

    async def invoke(
        self, invocation: Invocation, *, deadline: float | None = None, origin: Origin | None = None
    ) -> Answered:
        """Return the whole answer. *origin* is the request as its caller wrote it, for targets of the same format.

        Raises the error of the last attempt, with all of them in its `attempts`; errors of the request before any attempt.
        """
        budget = Budget(deadline, self._now)
        running = await self._run(Call(invocation, check(invocation), budget, origin=origin))
        if running.answer is None or running.settlement is None:
            raise InternalError("the call ended without an answer")
        return Answered(running.answer.output, running.settlement, running.wire)

    async def count_tokens(
        self, invocation: Invocation, *, deadline: float | None = None, origin: Origin | None = None
    ) -> Counted:
        """Return how many input tokens a conversation has, counted by who would answer it.

        Routes, attempts, deadlines and errors are those of `invoke`. Where who would be asked cannot count, it is an estimate,
        and says so.
        """
        request = check(invocation)
        if not isinstance(request, ChatRequest):
            raise UnsupportedFieldError.of("invocation", "only the tokens of a conversation can be counted")
        counter, budget = Counter(), Budget(deadline, self._now)
        try:
            running = await self._run(Call(invocation, request, budget, origin=origin, counter=counter))
        except UncountableError:
            return Counted(estimated_tokens(request), estimated=True)
        if counter.tokens is None:
            raise InternalError("the call ended without a count")
        return Counted(counter.tokens, settlement=running.settlement)

    async def stream(
        self,
        invocation: Invocation,
        *,
        deadline: float | None = None,
        accept_restart: bool = False,
        origin: Origin | None = None,
    ) -> AsyncGenerator[list[InvokeEvent], None]:
        """Yield the events of an answer as it is made, all that are ready together; the last one is the end.

        With *origin*, the request as its caller wrote it, a target of the same format answers in `raw` events, one for each of
        its own. Until the first yield any attempt may be replaced. After it a failure raises, or, with *accept_restart*, may tell to
        discard what came and start again. Closing the generator closes the connection to the provider.
        """
        happenings = self.happenings(invocation, deadline=deadline, accept_restart=accept_restart, origin=origin)
        async with aclosing(happenings) as batches:
            async for batch in batches:
                yield events_of(batch)

    async def happenings(
        self,
        invocation: Invocation,
        *,
        deadline: float | None = None,
        accept_restart: bool = False,
        origin: Origin | None = None,
    ) -> AsyncGenerator[list[Happening], None]:
        """Yield the same as `stream`, with the texts that came together in one: for who passes them on together."""
        request = check(invocation, stream=True)
        budget = Budget(deadline, self._now)
        call = Call(invocation, request, budget, stream=True, accept_restart=accept_restart, origin=origin)
        ledger = Ledger(self._now, self._clock)
        async with self.admission.slot(call.budget):
            running = await self._begun(call, ledger)
            async with aclosing(running.events()) as events:
                async for batch in events:
                    yield batch

    def explain(self, invocation: Invocation) -> ExplainResponse:
        """Say what `invoke` would do: who would be asked, in which order, who is left out and why, by which policy."""
        request = check_for_explanation(invocation)
        self._refuse_blindness()
        spoken = self._tongues.speaking(request)
        plan = self._planner(spoken).plan(invocation)
        known = Known(self._gate, self._picker, self._latencies, self._choices(plan, invocation, stream=True))
        return Explainer(plan, request, spoken, known).explain(stale=self._view.stale(self._now()))

    def report_feedback(self, feedback: ReportFeedbackRequest) -> ReportFeedbackResponse:
        """Learn from what a caller says of an answer; raises InvalidArgumentError and NotFoundError."""
        if violations := validate_feedback(feedback):
            raise InvalidArgumentError(violations=violations)
        if self._learned is None:
            raise NotFoundError("nothing is learned here")
        return self._learned.report(feedback)

    def resolve(self, text: str) -> Resource:
        """Return what *text* stands for; raises ModelNotFoundError and AmbiguousModelError."""
        return resolve(text, self._view)

    def endpoints_of(self, model: str) -> tuple[Resource, ...]:
        """Return who is known to serve a model, by its full name; nobody for a route."""
        return self._view.endpoints_of(model)

    def invocable(self) -> list[Resource]:
        """Return the models and routes that somebody could answer for.

        Kept for a few seconds while the registry does not change: to look at every endpoint takes long, and only
        credentials and lifecycles change by themselves.
        """
        revision, until, listed = self._listed
        if revision != self._view.revision or self._now() >= until:
            standing = LocalStanding(self._tongues.known, self._credentials, self._gate)
            listed = list(Candidates(self._serving, standing, at=self._clock()).invocable())
            self._listed = (self._view.revision, self._now() + _LIST_KEPT, listed)
        return listed

    async def _run(self, call: Call) -> Running:
        """Run a call that is not streamed to its end."""
        ledger = Ledger(self._now, self._clock)
        async with self.admission.slot(call.budget):
            running = await self._begun(call, ledger)
            await running.finish()
        return running

    async def _begun(self, call: Call, ledger: Ledger) -> Running:
        """Decide everything that is decided before anybody is asked."""
        self._refuse_blindness()
        spoken, means = self._tongues.speaking(call.request), self._means
        if call.counter is not None:
            spoken, means = call.counter.over(spoken), call.counter.means(means)
        if call.invocation.query is not None:
            await self._prepare(call.invocation.query)
        plan, planner = self._planned(call.invocation, spoken)
        if not plan.tiers and not plan.fallbacks and await self._paused(plan, call.budget):
            plan, planner = self._planned(call.invocation, spoken)
        call.budget.cap(plan.policy.total_timeout or math.inf)
        choices = None if call.counter is not None else self._choices(plan, call.invocation, stream=call.stream)
        work = Work(
            call.request,
            spoken,
            plan,
            stream=call.stream,
            accept_restart=call.accept_restart,
            stale=self._view.stale(self._now()),
            origin=call.origin,
            choices=choices,
        )
        itinerary = self._itinerary(planner, call.invocation, work)
        return Running(work, means, itinerary, call.budget, ledger)

    async def _prepare(self, query: DiscoverQuery) -> None:
        """Evaluate a caller's new filter expression in steps, so that no other call waits for more than one of them."""
        for _ in self._view.index.prepare(query, path="invocation.query"):
            await asyncio.sleep(0)

    def _planned(self, invocation: Invocation, spoken: Spoken) -> tuple[Plan, Planner]:
        planner = self._planner(spoken, self._rng)
        return planner.plan(invocation), planner

    async def _paused(self, plan: Plan, budget: Budget) -> bool:
        """Wait for who asked for a little time, when nobody else could take the call; say whether that was worth it."""
        soonest = self._gate.soonest(plan.kept_away)
        if soonest is None:
            return False
        wait, target = soonest
        return await self._means.pauses.waited(target.name, wait, left=budget.left)

    def _refuse_blindness(self) -> None:
        if self._view.revision == 0 and self._view.stale(self._now()):
            raise UnavailableError("nothing was heard of a registry yet, so nobody is known", retry_after=1.0)

    def _planner(self, spoken: Spoken, rng: random.Random | None = None) -> Planner:
        standing = LocalStanding(spoken, self._credentials, self._gate)
        return Planner(self._view, standing, defaults=self._defaults, at=self._clock(), rng=rng, serving=self._serving)

    def _choices(self, plan: Plan, invocation: Invocation, *, stream: bool) -> Choices | None:
        """Return what makes a call's choices by what was learned; None where its policy, or whoever runs this, says otherwise."""
        if plan.policy.selection is not Selection.LEARNED or self._learned is None or not self._learned.allowed:
            return None
        task = task_class(invocation, stream=stream)
        occasion = Occasion(plan.route, task, stream, invocation.sticky_key)
        return Choices(self._learned, occasion, self.breakers.share, self._latencies)

    def _itinerary(self, planner: Planner, invocation: Invocation, work: Work) -> Itinerary:
        plan, choices = work.plan, work.choices
        strategy = plan.policy.pick or PickStrategy.BEST

        def pick(tier: Tier) -> Target:
            if choices is not None and choices.allowed:
                return choices.pick(tier)
            return self._picker.pick(tier, strategy, sticky_key=invocation.sticky_key, stream=work.stream)

        return Itinerary(plan.tiers, plan.fallbacks, pick=pick, ejected=self._gate.ejected, expand=planner.expand)
