"""What a fake registry knows of attempts: every observation, and what that comes to over windows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from operator import attrgetter

from airegistry.invocations.invocation import AttemptOutcome
from airegistry.invocations.usage import CostState, Usage
from airegistry.observations.observation import Observation
from airegistry.observations.performance import WINDOWS, ErrorCount, Performance, Quantiles, WindowStats

_tokens = attrgetter(*(field.name for field in fields(Usage) if field.name.endswith("_tokens")))
_CANCELED = (AttemptOutcome.CANCELED, AttemptOutcome.SUPERSEDED)


class Measured:
    """All observations that count, in the order in which they came."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []
        self.changed: list[str] = []
        self.epoch = 0
        self._loads: dict[str, tuple[float, datetime]] = {}

    def add(self, observations: Iterable[Observation]) -> None:
        """Take in what counts; it makes an epoch."""
        for each in observations:
            self.observations.append(each)
            self.changed.append(each.target)
        self.epoch += 1

    def hear(self, name: str, load: float | None, now: datetime) -> bool:
        """Take in the load that a heartbeat told, which makes an epoch; say whether anything is another."""
        known = self._loads.pop(name, None)
        if load is not None:
            self._loads[name] = (load, now)
        elif known is None:
            return False
        self.changed.append(name)
        self.epoch += 1
        return True

    def forget(self, name: str) -> None:
        """Know no load of a name: its lease ended."""
        self._loads.pop(name, None)

    def performance(self, name: str, now: datetime) -> Performance:
        """Return what was measured of one name over the windows that end now."""
        windows = [self._window(name, now - timedelta(seconds=window), now, window) for window in WINDOWS]
        load, time = self._loads.get(name, (None, None))
        return Performance(name, tuple(each for each in windows if each is not None), now, self.epoch, load, time)

    def stats(self, name: str, now: datetime, *, period: float, step: float) -> tuple[Performance, ...]:
        """Return what was measured of one name in the windows of a period that ends now, the oldest first."""
        found = []
        last = math.ceil(now.timestamp() / step)
        for number in range(last - math.ceil(period / step), last):
            start, end = (datetime.fromtimestamp(at * step, now.tzinfo) for at in (number, number + 1))
            window = self._window(name, start, end, step)
            if window is not None:
                found.append(Performance(name, (window,), end, self.epoch))
        return tuple(found)

    def _window(self, name: str, after: datetime, until: datetime, length: float) -> WindowStats | None:
        seen = [each for each in self.observations if each.target == name and _between(each.time, after, until)]
        return window_stats(seen, length) if seen else None


def window_stats(seen: Sequence[Observation], length: float) -> WindowStats:
    """Return what at least one observation of one target comes to."""
    answers = [each for each in seen if each.outcome is AttemptOutcome.OK]
    errors = Counter(each.error_class for each in seen if each.outcome is AttemptOutcome.ERROR)
    costs = [cost for each in seen if (cost := _known_cost(each)) is not None]
    return WindowStats(
        window=length,
        attempts=sum(each.outcome not in _CANCELED for each in seen),
        errors=tuple(ErrorCount(*each) for each in sorted(errors.items(), key=lambda pair: pair[0] or 0)),
        canceled=sum(each.outcome in _CANCELED for each in seen),
        time_to_first_token=_quantiles(each.time_to_first_token for each in seen),
        duration=_quantiles(each.duration for each in answers),
        tokens_per_second=_quantiles(map(_speed, answers)),
        cost_nanos=sum(costs) if costs else None,
        costed=len(costs),
        tokens=sum(count or 0 for each in seen if each.usage is not None for count in _tokens(each.usage)),
        last_time=max(each.time for each in seen if each.time is not None),
    )


def _known_cost(seen: Observation) -> int | None:
    return seen.cost.nanos if seen.cost is not None and seen.cost.state is CostState.KNOWN else None


def _between(time: datetime | None, after: datetime, until: datetime) -> bool:
    return time is not None and after < time <= until


def _speed(seen: Observation) -> float | None:
    tokens = seen.usage.output_tokens if seen.usage is not None else None
    if tokens is None or seen.duration is None or seen.time_to_first_token is None:
        return None
    rest = seen.duration - seen.time_to_first_token
    return (tokens - 1) / rest if tokens > 1 and rest > 0 else None


def _quantiles(values: Iterable[float | None]) -> Quantiles | None:
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    at = (known[math.ceil(share * len(known)) - 1] for share in (0.5, 0.9, 0.99))
    return Quantiles(len(known), *at)
