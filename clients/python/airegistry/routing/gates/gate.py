"""Who may be asked now: one answer out of breakers, cool-downs, outages, refused credentials and declared limits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Self

from airegistry.discovery.answers import ExclusionReason
from airegistry.errors import ProviderError
from airegistry.resources.route import ErrorClass
from airegistry.routing.error_classes import Blame, Verdict
from airegistry.routing.explanation import Hindrance
from airegistry.routing.gates.breaker import Breakers, BreakerState, Passage
from airegistry.routing.gates.outages import Outages
from airegistry.routing.gates.quotas import Quotas
from airegistry.routing.target import Target

_MANY = 100
_PROVIDER_WIDE = frozenset({ErrorClass.CONNECTION, ErrorClass.TIMEOUT, ErrorClass.OVERLOADED, ErrorClass.PROVIDER})
"""What an endpoint fails with when its provider is down."""

_UNAUTHORIZED = 401


class Gate:
    """Keeps calls away from who would not answer them. *in_flight* says how many calls are with each endpoint now.

    *value_of* gives the value behind a credential's name; it is only compared.
    """

    def __init__(
        self,
        breakers: Breakers,
        now: Callable[[], float],
        *,
        in_flight: Mapping[str, int],
        value_of: Callable[[str], object],
    ) -> None:
        self.breakers = breakers
        self.outages = Outages(breakers.settings, now, value_of)
        self.quotas = Quotas(now, in_flight)
        self._value_of = value_of

    def ejected(self, targets: Collection[Target]) -> Mapping[str, ExclusionReason]:
        """Return who of *targets*, all that could take a call, must not be asked now, and why."""
        out: dict[str, ExclusionReason] = {}
        names = []
        for target in targets:
            names.append(target.name)
            if target.endpoint.rate_limits is not None and self.quotas.wait(target):
                out[target.name] = ExclusionReason.LIMIT
        for name in self.breakers.ejected(names):
            out[name] = ExclusionReason.BREAKER
        if not self.outages.none:
            out.update((target.name, ExclusionReason.BREAKER) for target in targets if self.outages.shut(target))
        return out

    def passage(self, target: Target) -> Passages:
        """Lend the way to an endpoint for the length of one call; what is noted on it decides about the calls after it."""
        return Passages(self, target)

    def refused(self, target: Target) -> None:
        """Note that the provider refused the credential, as it is now."""
        self.outages.refused(target, self._value_of(target.endpoint.credential))

    def wait(self, targets: Collection[Target]) -> float | None:
        """Return how long until the first of *targets* may be asked again; None when there are none."""
        return min((self._wait(target) for target in targets), default=None)

    def soonest(self, targets: Collection[Target]) -> tuple[float, Target] | None:
        """Return who may be asked first of those that only a provider's wish or a limit keeps away, and in how long."""
        waits = [
            (max(self.breakers.cooling(target.name), self.quotas.wait(target)), target)
            for target in targets
            if not self.breakers.shut(target.name) and (self.outages.none or not self.outages.shut(target))
        ]
        return min(waits, key=lambda wait: wait[0], default=None)

    def hindrances(self, targets: Collection[Target]) -> tuple[Hindrance, ...]:
        """Return what keeps calls away from *targets*, and from whole providers and credentials; at most 100."""
        return tuple(islice(self._hindrances(targets), _MANY))

    def _hindrances(self, targets: Collection[Target]) -> Iterator[Hindrance]:
        for name, state, wait in self.outages.hindrances():
            yield Hindrance(name, state, wait)
        for target in targets:
            if cooling := self.breakers.cooling(target.name):
                yield Hindrance(target.name, "cooling", cooling)
            elif (state := self.breakers.state(target.name)) is not BreakerState.CLOSED:
                yield Hindrance(target.name, state.value, self.breakers.wait([target.name]))
            if limited := self.quotas.wait(target):
                yield Hindrance(target.name, "limited", limited)

    def _wait(self, target: Target) -> float:
        own = self.breakers.wait([target.name]) or 0.0
        return max(own, self.quotas.wait(target), self.outages.wait(target))


class Passages:
    """One call's way through the gate, for the length of a block. Without a word it counts neither as good nor as bad."""

    __slots__ = ("_gate", "_own", "_target", "_wide")

    def __init__(self, gate: Gate, target: Target) -> None:
        self._gate = gate
        self._target = target
        self._own = gate.breakers.passage(target.name)
        self._wide: Sequence[Passage] = ()

    def __enter__(self) -> Self:
        self._gate.quotas.started(self._target)
        self._own.__enter__()
        if not self._gate.outages.none:
            self._wide = self._gate.outages.passages(self._target)
            for passage in self._wide:
                passage.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        for passage in reversed(self._wide):
            passage.__exit__(*exception)
        self._own.__exit__(*exception)
        if self._wide:
            self._gate.outages.tidy(self._target)

    def answered(self) -> None:
        """Note that the endpoint answered as it should, if only with a refusal that the caller has earned."""
        self._own.succeeded()
        for passage in self._wide:
            passage.succeeded()
        self._gate.outages.answered(self._target)

    def failed(self, verdict: Verdict, error: ProviderError) -> None:
        """Note what an error says of the endpoint, of its provider, and of the credential."""
        refused = (
            verdict.error_class is ErrorClass.CREDENTIAL and error.http_status == _UNAUTHORIZED
        ) or error.metadata.get("quota") == "exhausted"
        if refused:
            self._gate.refused(self._target)
        elif verdict.blame is Blame.ENDPOINT:
            self._own.failed()
        elif verdict.blame is Blame.NOBODY:
            self.answered()
        wide = verdict.error_class in _PROVIDER_WIDE and verdict.blame is Blame.ENDPOINT
        if wide:
            self._gate.outages.failed(self._target)
        if wide or refused:
            for passage in self._wide:
                passage.failed()
        named = error.retry_after is not None and verdict.blame is not Blame.NOBODY
        if named or (verdict.error_class is ErrorClass.RATE_LIMITED and not refused):
            self._gate.breakers.cool(self._target.name, error.retry_after)
