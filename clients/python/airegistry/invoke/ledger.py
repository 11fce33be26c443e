"""Every attempt of a call, and what they cost together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from airegistry._status import status_of
from airegistry.errors import ProviderError, RegistryError
from airegistry.invocations.invocation import Attempt, AttemptOutcome, Settlement
from airegistry.invocations.settling import settle
from airegistry.invocations.usage import Cost, CostState
from airegistry.invoke.exchange import Exchange
from airegistry.resources.route import ErrorClass
from airegistry.routing.plan import Plan


class Ledger:
    """Notes attempts as they end. *clock* is the wall clock by which prices are in force."""

    def __init__(self, now: Callable[[], float], clock: Callable[[], datetime]) -> None:
        self._now = now
        self._clock = clock
        self._started_at = now()
        self.attempts: list[Attempt] = []

    def note(
        self,
        exchange: Exchange,
        outcome: AttemptOutcome,
        error: RegistryError | None = None,
        error_class: ErrorClass | None = None,
    ) -> Attempt:
        """Note how an attempt ended."""
        first = exchange.first_token_at
        answered = outcome is AttemptOutcome.OK
        attempt = Attempt(
            target=exchange.ask.target.name,
            outcome=outcome,
            error_class=error_class,
            error=status_of(error) if error is not None else None,
            http_status=_http_status(exchange, error),
            duration=self._now() - exchange.started_at,
            time_to_first_token=first - exchange.started_at if first is not None else None,
            usage=exchange.usage,
            cost=self._cost(exchange) if answered or exchange.usage is not None else None,
        )
        self.attempts.append(attempt)
        return attempt

    def settlement(self, plan: Plan, exchange: Exchange | None, *, stale: bool) -> Settlement:
        """Return the account of a call that *exchange* answered; None when nobody did."""
        now = self._now()
        target = exchange.ask.target if exchange is not None else None
        first = exchange.first_token_at if exchange is not None else None
        return Settlement(
            target=target.name if target is not None else "",
            model=target.model.name if target is not None and target.model is not None else "",
            provider=target.endpoint.provider if target is not None else "",
            route=plan.route,
            split_arm=plan.arm,
            usage=exchange.usage if exchange is not None else None,
            cost=total(attempt.cost for attempt in self.attempts if attempt.cost is not None),
            attempts=tuple(self.attempts),
            warnings=tuple(exchange.warnings) if exchange is not None else (),
            time_to_first_token=first - self._started_at if first is not None else None,
            duration=now - self._started_at,
            revision=plan.revision,
            stale=stale,
        )

    def _cost(self, exchange: Exchange) -> Cost:
        return settle(exchange.usage, exchange.ask.target.endpoint.prices, self._clock())


def total(costs: Iterable[Cost]) -> Cost:
    """Return the sum of what is known; it is KNOWN only when every part is."""
    parts = list(costs)
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
