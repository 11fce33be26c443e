"""What is believed of an endpoint, from what its last probes found.

A single probe proves little: the network between it and the plane hiccups more often than it dies. So it takes more probes in
a row to believe the worse than to believe the better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from airegistry.resources.endpoint import ProbeStep
from airegistry.resources.resource import Health, ResourceStatus
from registry.probes.climb import Level, Outcome
from registry.probes.verdict import Verdict

WORSE_AFTER = 3
"""So many probes in a row must find it worse than what is believed."""

BETTER_AFTER = 2
"""So many probes in a row must find it better."""

_HEALTH = {Level.GOOD: Health.SERVING, Level.POOR: Health.DEGRADED, Level.BAD: Health.NOT_SERVING}
BELIEVED = tuple(_HEALTH.values())
"""What can be believed."""

_LEVEL = {health: level for level, health in _HEALTH.items()}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is believed now; no `level`: nothing yet. `recent` are the outcomes that it rests on, the newest last."""

    level: Level | None = None
    step: int = 0
    reason: str = ""
    recent: tuple[Outcome, ...] = ()

    @property
    def health(self) -> Health | None:
        """What the level means to callers."""
        return _HEALTH[self.level] if self.level is not None else None

    def verdict(self, name: str, uid: str) -> Verdict:
        """Return this as what is reported."""
        return Verdict(name, uid, self.health, self.reason, ProbeStep(self.step) if self.step else None)


def shown(status: ResourceStatus | None) -> Judgement:
    """Return what a resource shows of earlier probes, by whichever replica: who takes over goes on from there."""
    level = _LEVEL.get(status.health) if status is not None and status.health is not None else None
    if status is None or status.probe is None or level is None:
        return Judgement()
    return Judgement(level, status.probe.step or 0, status.health_reason)


def judge(known: Judgement, outcome: Outcome) -> Judgement:
    """Return what is believed after another probe."""
    recent = (*known.recent, outcome)[-WORSE_AFTER:]
    if recent == known.recent:
        return known
    if known.level is None:
        return _first(recent)
    level = Level(_moved(known.level, [one.level for one in recent]))
    step = -_moved(-known.step, [-one.step for one in recent])
    if level is known.level:
        return replace(known, step=step, recent=recent)
    reason = next(one.reason for one in reversed(recent) if one.level is level)
    return Judgement(level, step, reason, recent)


def _first(recent: tuple[Outcome, ...]) -> Judgement:
    """Begin to believe something: when it was bad for long enough, or when it was not bad twice."""
    latest = recent[-BETTER_AFTER:]
    if len(latest) == BETTER_AFTER and all(one.level < Level.BAD for one in latest):
        believed = max(latest, key=lambda one: one.level)
    elif len(recent) == WORSE_AFTER and all(one.level is Level.BAD for one in recent):
        believed, latest = recent[-1], recent
    else:
        return Judgement(recent=recent)
    return Judgement(believed.level, min(one.step for one in latest), believed.reason, recent)


def _moved(known: int, found: Sequence[int]) -> int:
    """Return the value that is believed after *found*, the newest last; a higher one is worse."""
    if len(found) >= WORSE_AFTER and (least := min(found[-WORSE_AFTER:])) > known:
        return least
    if len(found) >= BETTER_AFTER and (most := max(found[-BETTER_AFTER:])) < known:
        return most
    return known
