"""Who is left alone for a while, because asking failed too often or the provider said so."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from airegistry.routing.gates.window import Window

_MANY = 4096
_FIRST_SHARE = 0.1


class BreakerState(StrEnum):
    """Whether calls pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a breaker opens and how it closes; times in seconds."""

    window: float = 30.0
    minimum_volume: int = 5
    failure_share: float = 0.5
    open_for: float = 5.0
    max_open_for: float = 25.0
    slow_start: float = 20.0
    max_ejected_share: float = 0.5
    default_cool_down: float = 1.0
    max_cool_down: float = 600.0


class Passage:
    """One call through a breaker, for the length of a block; without a word it counts neither as good nor as bad.

    A class, because every call enters one, and a generator takes three times as long.
    """

    __slots__ = ("_breaker", "harmed", "probe")

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self.harmed: bool | None = None
        self.probe = False

    def __enter__(self) -> Self:
        self._breaker.enter(self)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._breaker.leave(self)

    def succeeded(self) -> None:
        """Note that the endpoint answered as it should."""
        self.harmed = False

    def failed(self) -> None:
        """Note that the endpoint failed."""
        self.harmed = True


class Breaker:
    """Calls to one endpoint, good and bad. After too many bad ones it opens; then one call at a time may probe."""

    def __init__(self, settings: BreakerSettings, now: Callable[[], float]) -> None:
        self._settings = settings
        self._now = now
        self._window = Window(settings.window, now)
        self._open_until: float | None = None
        self._openings = 0
        self._probing = False
        self._closed_at = -math.inf
        self.cool_until = -math.inf
        self.opened_at = -math.inf

    @property
    def state(self) -> BreakerState:
        """Whether calls pass: all of them, none, or one as a probe."""
        if self._open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._now() < self._open_until else BreakerState.HALF_OPEN

    @property
    def ready(self) -> bool:
        """Whether one more call may pass, cool-downs aside."""
        state = self.state
        return state is BreakerState.CLOSED or (state is BreakerState.HALF_OPEN and not self._probing)

    @property
    def cooling(self) -> float:
        """For how long the provider asked to be left alone."""
        return max(0.0, self.cool_until - self._now())

    @property
    def hindered(self) -> bool:
        """Whether anything at all is in the way of calls; False for nearly every breaker."""
        return self._open_until is not None or self.cool_until > self._now()

    @property
    def wait(self) -> float:
        """How long until a call may pass again."""
        return max(self.cooling, 0.0 if self._open_until is None else self._open_until - self._now())

    @property
    def share(self) -> float:
        """How much of its usual traffic it should get: less for a while after it closed."""
        passed = self._now() - self._closed_at
        if passed >= self._settings.slow_start:
            return 1.0
        return max(_FIRST_SHARE, passed / self._settings.slow_start)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to remember."""
        closed = self._open_until is None or self._abandoned
        return closed and not self.cooling and self.share == 1.0 and not self._window.volume

    @property
    def _abandoned(self) -> bool:
        """Whether a probe could have passed for long and none came: most likely the endpoint is gone."""
        return not self._probing and self._now() - (self._open_until or math.inf) > self._settings.max_cool_down

    def passage(self) -> Passage:
        """Lend the way through for the length of one call; what the call says on it moves the breaker."""
        return Passage(self)

    def enter(self, passage: Passage) -> None:
        """Let a call in: the first one after a pause as a probe."""
        if self._open_until is not None and not self._probing and self.state is BreakerState.HALF_OPEN:
            passage.probe = self._probing = True

    def leave(self, passage: Passage) -> None:
        """Take in what became of a call."""
        if passage.probe:
            self._probing = False
        if passage.harmed is not None:
            self._note(harmed=passage.harmed, probe=passage.probe)

    def trip(self) -> None:
        """Open it, whatever the window says; for longer each time, as after a failed probe."""
        self._open()

    def _note(self, *, harmed: bool, probe: bool) -> None:
        self._window.add(harmed=harmed)
        if probe:
            self._open() if harmed else self._close()
        elif harmed and self._open_until is None and self._too_many():
            self._open()

    def _too_many(self) -> bool:
        volume = self._window.volume
        return volume >= self._settings.minimum_volume and self._window.harmed / volume >= self._settings.failure_share

    def _open(self) -> None:
        pause = self._settings.open_for * 2.0 ** min(self._openings, 16)
        self._openings += 1
        self.opened_at = self._now()
        self._open_until = self.opened_at + min(pause, self._settings.max_open_for)

    def _close(self) -> None:
        self._open_until = None
        self._openings = 0
        self._closed_at = self._now()
        self._window.clear()


class Breakers:
    """The breakers of all endpoints, by name, and how many of them may be open at once."""

    def __init__(self, settings: BreakerSettings, now: Callable[[], float]) -> None:
        self.settings = settings
        self._now = now
        self._breakers: dict[str, Breaker] = {}

    def state(self, name: str) -> BreakerState:
        """Return how the breaker of an endpoint stands; a cool-down counts as open."""
        breaker = self._breakers.get(name)
        if breaker is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if breaker.cooling else breaker.state

    def states(self) -> dict[str, BreakerState]:
        """Return how every breaker stands that has something to remember."""
        return {name: self.state(name) for name in self._breakers}

    def cooling(self, name: str) -> float:
        """Return for how long the provider asked to leave an endpoint alone."""
        breaker = self._breakers.get(name)
        return 0.0 if breaker is None else breaker.cooling

    def shut(self, name: str) -> bool:
        """Say whether the breaker of an endpoint lets no call pass, cool-downs aside."""
        breaker = self._breakers.get(name)
        return breaker is not None and not breaker.ready

    def share(self, name: str) -> float:
        """Return how much of its usual traffic an endpoint should get, in (0, 1]."""
        breaker = self._breakers.get(name)
        return 1.0 if breaker is None else breaker.share

    def passage(self, name: str) -> Passage:
        """Lend the way to an endpoint for the length of one call."""
        return self._of(name).passage()

    def cool(self, name: str, seconds: float | None) -> None:
        """Leave an endpoint alone for as long as its provider asked, or for a moment where it named no time."""
        pause = self.settings.default_cool_down if seconds is None else min(seconds, self.settings.max_cool_down)
        breaker = self._of(name)
        breaker.cool_until = max(breaker.cool_until, self._now() + pause)

    def ejected(self, names: Collection[str]) -> frozenset[str]:
        """Return who of *names*, all that could take a call, must not be asked now.

        Those that asked to be left alone always are. Of those whose breaker is open at most a share is, those that opened
        first, and one in any case: when most of them fail, something else is the matter.
        """
        known = {}
        for name in names:
            if (breaker := self._breakers.get(name)) is not None and breaker.hindered:
                known[name] = breaker
        if not known:
            return frozenset()
        cooling = {name for name, breaker in known.items() if breaker.cooling}
        shut = [name for name, breaker in known.items() if name not in cooling and not breaker.ready]
        shut.sort(key=lambda name: known[name].opened_at)
        most = max(1, int(len(names) * self.settings.max_ejected_share))
        return frozenset(cooling.union(shut[:most]))

    def wait(self, names: Collection[str]) -> float | None:
        """Return how long until the first of *names* may be asked again; None when there are none."""
        waits = [self._breakers[name].wait for name in names if name in self._breakers]
        return min(waits, default=None)

    def _of(self, name: str) -> Breaker:
        breaker = self._breakers.get(name)
        if breaker is None:
            self._forget_idle()
            breaker = self._breakers[name] = Breaker(self.settings, self._now)
        return breaker

    def _forget_idle(self) -> None:
        if len(self._breakers) >= _MANY:
            self._breakers = {name: breaker for name, breaker in self._breakers.items() if not breaker.idle}
