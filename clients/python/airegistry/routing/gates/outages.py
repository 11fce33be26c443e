"""Failures that are not one endpoint's own: of a provider as a whole, or of one credential."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from airegistry.routing.gates.breaker import Breaker, BreakerSettings, Passage
from airegistry.routing.target import Target

_MANY = 4096
_SEVERAL = 2


@dataclass(slots=True)
class _Run:
    """Failures in a row, with no answer between them."""

    count: int = 0
    last: float = 0.0
    endpoints: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Shut:
    """A breaker that is open for several endpoints at once; `value` is the credential that was refused."""

    breaker: Breaker
    value: object = None


class Outages:
    """Shuts a provider when several of its endpoints fail in a row and none answers, and a credential that was refused.

    Then one call at a time probes, through any of the endpoints; an answer opens the way to all of them. *value_of* gives
    the value behind a credential's name: one that changed is tried at once.
    """

    def __init__(self, settings: BreakerSettings, now: Callable[[], float], value_of: Callable[[str], object]) -> None:
        self._settings = settings
        self._now = now
        self._value_of = value_of
        self._runs: dict[str, _Run] = {}
        self._shut: dict[str, _Shut] = {}

    @property
    def none(self) -> bool:
        """Whether nothing is shut: the way of nearly every call."""
        return not self._shut

    def failed(self, target: Target) -> None:
        """Note that an endpoint failed as one does whose provider is down."""
        provider, now = _provider(target), self._now()
        run = self._runs.get(provider)
        if run is None or now - run.last > self._settings.window:
            run = self._runs[provider] = _Run()
            _bound(self._runs)
        run.count, run.last = run.count + 1, now
        if len(run.endpoints) < _SEVERAL:
            run.endpoints.add(target.name)
        enough = run.count >= self._settings.minimum_volume and len(run.endpoints) >= _SEVERAL
        if enough and provider not in self._shut:
            self._trip(provider, _Shut(Breaker(self._settings, self._now)))

    def answered(self, target: Target) -> None:
        """Note that an endpoint answered, if only with a refusal: its provider is there."""
        if self._runs:
            self._runs.pop(_provider(target), None)

    def refused(self, target: Target, value: object) -> None:
        """Note that the provider refused a credential's *value*."""
        credential = _credential(target)
        shut = self._shut.get(credential)
        if shut is None or shut.value != value:
            self._trip(credential, _Shut(Breaker(self._settings, self._now), value))

    def shut(self, target: Target) -> bool:
        """Say whether no call may go to an endpoint because of its provider or its credential."""
        return any(not shut.breaker.ready for shut in self._over(target))

    def passages(self, target: Target) -> list[Passage]:
        """Return the ways of one call through what is shut, as a probe; what the call says on them may open it."""
        return [shut.breaker.passage() for shut in self._over(target)]

    def tidy(self, target: Target) -> None:
        """Forget what a probe has opened."""
        for name in (_provider(target), _credential(target)):
            shut = self._shut.get(name)
            if shut is not None and shut.breaker.state == "closed":
                del self._shut[name]

    def hindrances(self) -> Iterator[tuple[str, str, float]]:
        """Yield what is shut: its name, the state of the breaker, and how long until a call may pass."""
        for name, shut in self._shut.items():
            yield name, shut.breaker.state.value, shut.breaker.wait

    def wait(self, target: Target) -> float:
        """Return how long until a call may pass to an endpoint, as far as its provider and its credential go."""
        return max((shut.breaker.wait for shut in self._over(target)), default=0.0)

    def _over(self, target: Target) -> Iterator[_Shut]:
        if (shut := self._shut.get(_provider(target))) is not None:
            yield shut
        credential = _credential(target)
        if (shut := self._shut.get(credential)) is not None:
            if self._value_of(target.endpoint.credential) == shut.value:
                yield shut
            else:
                del self._shut[credential]

    def _trip(self, name: str, shut: _Shut) -> None:
        shut.breaker.trip()
        self._shut[name] = shut
        _bound(self._shut)


def _provider(target: Target) -> str:
    """Return who runs an endpoint, and where: one provider's regions fail apart."""
    return f"provider {target.endpoint.provider} at {_host(target)}"


def _credential(target: Target) -> str:
    return f"credential {target.endpoint.provider}/{target.endpoint.credential} at {_host(target)}"


def _host(target: Target) -> str:
    return target.endpoint.address.partition("://")[2].partition("/")[0]


def _bound(known: dict[str, _Run] | dict[str, _Shut]) -> None:
    if len(known) > _MANY:
        del known[next(iter(known))]
