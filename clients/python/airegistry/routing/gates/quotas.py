"""What endpoints declare that they allow, and how much of it this process used in the last minute."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from airegistry.routing.target import Target

_MINUTE = 60.0
_SLICES = 30
_MANY = 4096
_SOON = 1.0
"""When a call ends is not known; somebody's does soon."""


class Quotas:
    """Counts calls and tokens of endpoints that declare limits. *in_flight* says how many calls are with each now.

    It knows only of this process, so that it is a guess on the kind side: the provider's own 429 has the last word.
    """

    def __init__(self, now: Callable[[], float], in_flight: Mapping[str, int]) -> None:
        self._now = now
        self._in_flight = in_flight
        self._requests: dict[str, Minute] = {}
        self._tokens: dict[str, Minute] = {}

    def started(self, target: Target) -> None:
        """Count a call."""
        limits = target.endpoint.rate_limits
        if limits is not None and limits.requests_per_minute is not None:
            self._of(self._requests, target.name).add(1)

    def used(self, target: Target, tokens: int) -> None:
        """Count the tokens of a call."""
        limits = target.endpoint.rate_limits
        if limits is not None and limits.tokens_per_minute is not None and tokens:
            self._of(self._tokens, target.name).add(tokens)

    def wait(self, target: Target) -> float:
        """Return how long until one more call fits into what the endpoint allows; 0 when it fits now."""
        limits = target.endpoint.rate_limits
        if limits is None:
            return 0.0
        waits = [_wait(self._requests.get(target.name), limits.requests_per_minute)]
        waits.append(_wait(self._tokens.get(target.name), limits.tokens_per_minute))
        most = limits.max_concurrent_requests
        if most is not None and self._in_flight.get(target.name, 0) >= most:
            waits.append(_SOON)
        return max(waits)

    def _of(self, minutes: dict[str, Minute], name: str) -> Minute:
        minute = minutes.pop(name, None) or Minute(self._now)
        minutes[name] = minute
        if len(minutes) > _MANY:
            # The one that was used longest ago.
            del minutes[next(iter(minutes))]
        return minute


class Minute:
    """A sum over the last minute, kept in slices."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._slices: deque[list[int]] = deque()

    def add(self, amount: int) -> None:
        """Count *amount*."""
        number = int(self._now() / _MINUTE * _SLICES)
        if not self._slices or self._slices[-1][0] != number:
            self._slices.append([number, 0])
        self._slices[-1][1] += amount

    def wait(self, limit: int) -> float:
        """Return how long until the sum is below *limit*; 0 when it is."""
        self._drop_old()
        over = sum(amount for _, amount in self._slices) - limit
        for number, amount in self._slices:
            if over < 0:
                break
            over -= amount
            if over < 0:
                return max(0.0, (number + _SLICES) * _MINUTE / _SLICES - self._now())
        return 0.0 if over < 0 else _MINUTE

    def _drop_old(self) -> None:
        oldest = int(self._now() / _MINUTE * _SLICES) - _SLICES + 1
        while self._slices and self._slices[0][0] < oldest:
            self._slices.popleft()


def _wait(minute: Minute | None, limit: int | None) -> float:
    if limit is None:
        return 0.0
    if minute is None:
        return 0.0 if limit > 0 else _MINUTE
    return minute.wait(limit)
