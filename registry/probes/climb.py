"""How one probe went, step by step, and what that means for who allows fewer steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from airegistry.resources.endpoint import ProbeStep

SLOW = 5.0
"""Seconds after which a good probe counts as poor."""

SLOWLY = f"answers, but takes longer than {SLOW:g} s"

MAX_REASON_BYTES = 1024


class Level(IntEnum):
    """How good a probe is; higher is worse."""

    GOOD = 0
    POOR = 1
    """It answers, slowly or with errors."""
    BAD = 2
    """It does not answer, or says itself that it does not serve."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one step found. `reached` says whether it worked; it may be good without that, where it cannot tell.

    The reason is for people. It never holds a peer's words: an address may be anything that this machine can reach, and
    whoever may register could read there.
    """

    level: Level
    reason: str
    reached: bool = False


@dataclass(frozen=True, slots=True)
class Rung:
    """One step that was tried, and how long that took in seconds."""

    step: ProbeStep
    finding: Finding
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a probe says of one endpoint. `step` is 0 when not even the first one worked."""

    level: Level
    step: int
    reason: str


@dataclass(frozen=True, slots=True)
class Climb:
    """The steps of one probe, in order, up to the first that was not good."""

    rungs: tuple[Rung, ...]

    @property
    def connected(self) -> bool:
        """Whether the first step worked."""
        return self.rungs[0].finding.reached

    def outcome(self, highest: ProbeStep) -> Outcome:
        """Return what the probe says of an endpoint that allows no step above *highest*."""
        rungs = [rung for rung in self.rungs if rung.step <= highest]
        step = max((rung.step for rung in rungs if rung.finding.reached), default=0)
        last = rungs[-1].finding
        if last.level is Level.GOOD and sum(rung.seconds for rung in rungs) > SLOW:
            return Outcome(Level.POOR, step, SLOWLY)
        return Outcome(last.level, step, fitting(last.reason))


def fitting(reason: str) -> str:
    """Return a reason on one line, cut to what a status may hold."""
    line = "".join(char if char.isprintable() else " " for char in reason)
    return line.encode(errors="replace")[:MAX_REASON_BYTES].decode(errors="ignore")
