"""Every attempt of a call, and what they cost together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from airegistry._status import status_of
from airegistry.errors import ProviderError, RegistryError
from airegistry.invocations.invocation import Attempt, AttemptOutcome, Settlement
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.settling import settle, settle_task
from airegistry.invocations.usage import Cost, CostState, Usage
from airegistry.invoke.attempts.estimates import estimated, summed
from airegistry.invoke.attempts.exchange import Exchange
from airegistry.resources.route import ErrorClass
from airegistry.routing.lifecycles import deprecated, lifecycle_of
from airegistry.routing.plan import Plan
from airegistry.routing.target import Target


class Ledger:
    """Notes attempts as they end, and lists them as they began. *clock* is the wall clock by which prices are in force."""

    def __init__(self, now: Callable[[], float], clock: Callable[[], datetime]) -> None:
        self._now = now
        self._clock = clock
        self._started_at = now()
        self._attempts: dict[int, Attempt] = {}
        self._began: list[datetime] = []

    @property
    def attempts(self) -> list[Attempt]:
        """The attempts that have ended."""
        return [attempt for _, attempt in sorted(self._attempts.items())]

    @property
    def started(self) -> int:
        """How many attempts have begun."""
        return len(self._began)

    def begin(self) -> int:
        """Return the number of an attempt that begins, from 1."""
        self._began.append(self._clock())
        return self.started

    def note(
        self,
        exchange: Exchange,
        outcome: AttemptOutcome,
        error: RegistryError | None = None,
        error_class: ErrorClass | None = None,
    ) -> Attempt:
        """Note how an attempt ended.

        One that did not come to its end is never billed as if it had: what was told of it counts, else an estimate by what
        came, and the cost says so. Of one that was given up before anything came nobody knows what it cost.
        """
        first = exchange.first_token_at
        whole = outcome is AttemptOutcome.OK
        usage = exchange.usage if whole else _used(exchange)
        attempt = self._attempts[exchange.number] = Attempt(
            target=exchange.ask.target.name,
            outcome=outcome,
            error_class=error_class,
            error=status_of(error) if error is not None else None,
            http_status=_http_status(exchange, error),
            duration=self._now() - exchange.started_at,
            time_to_first_token=first - exchange.started_at if first is not None else None,
            usage=usage,
            cost=self._cost(usage, exchange, whole=whole)
            if whole or usage is not None or given_up(outcome, error_class)
            else None,
        )
        return attempt

    def notices(self, plan: Plan, target: Target) -> tuple[FieldWarning, ...]:
        """Return what the caller should know of the model that answers."""
        if lifecycle_of(target.model) is None:
            return plan.notices
        notice = deprecated(target.model, self._clock())
        return plan.notices if notice is None else (*plan.notices, notice)

    def settlement(
        self,
        plan: Plan,
        exchange: Exchange | None,
        *,
        earlier: Sequence[Exchange] = (),
        stale: bool,
        call_id: str = "",
    ) -> Settlement:
        """Return the account of a call that *exchange* answered, or ended when others had *earlier* given a part."""
        target = exchange.ask.target if exchange is not None else None
        warnings = [*self.notices(plan, target)] if target is not None else []
        usages: list[Usage | None] = []
        first: float | None = None
        for part in (*earlier, exchange) if exchange is not None else ():
            usages.append(self._attempts[part.number].usage)
            warnings += part.warnings
            first = part.first_token_at if first is None else first
        attempts = self.attempts
        return Settlement(
            target=target.name if target is not None else "",
            model=target.model.name if target is not None and target.model is not None else "",
            provider=target.endpoint.provider if target is not None else "",
            route=plan.route,
            split_arm=plan.arm,
            usage=summed(usages),
            cost=total([attempt.cost for attempt in attempts if attempt.cost is not None]),
            attempts=tuple(attempts),
            warnings=tuple(warnings),
            time_to_first_token=first - self._started_at if first is not None else None,
            duration=self._now() - self._started_at,
            revision=plan.revision,
            stale=stale,
            call_id=call_id,
        )

    def _cost(self, usage: Usage | None, exchange: Exchange, *, whole: bool) -> Cost:
        target, began = exchange.ask.target, self._began[exchange.number - 1]
        if usage is None and whole and target.is_agent:
            return settle_task(target.endpoint.prices, began)
        cost = settle(usage, target.endpoint.prices, began)
        # An amount that rests on our own counting cannot be trusted.
        guessed = usage is not None and usage.estimated and cost.state is CostState.KNOWN
        return replace(cost, state=CostState.PARTIAL) if guessed else cost


def given_up(outcome: AttemptOutcome, error_class: ErrorClass | None) -> bool:
    """Say whether an attempt ended by our own will, while the provider may have been at work."""
    return outcome is not AttemptOutcome.ERROR or error_class is ErrorClass.TIMEOUT


def _used(exchange: Exchange) -> Usage | None:
    return estimated(exchange.usage, exchange.ask.request, tokens=exchange.tokens, characters=exchange.characters)


def total(parts: Sequence[Cost]) -> Cost:
    """Return the sum of what is known; it is KNOWN only when every part is."""
    if len(parts) == 1:
        return parts[0]
    amounts = [part.nanos for part in parts if part.nanos is not None]
    unpriced = tuple(dict.fromkeys(bucket for part in parts for bucket in part.unpriced))
    if not amounts:
        return Cost(CostState.UNKNOWN, unpriced=unpriced)
    known = all(part.state is CostState.KNOWN for part in parts)
    return Cost(CostState.KNOWN if known else CostState.PARTIAL, sum(amounts), unpriced)


def _http_status(exchange: Exchange, error: RegistryError | None) -> int:
    if isinstance(error, ProviderError) and error.http_status is not None:
        return error.http_status
    return exchange.http_status
