"""What became of an attempt, and what that is worth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """How an attempt ended, as far as it says something of whom it asked."""

    OK = "ok"
    FAILED = "failed"
    SILENT = "silent"
    """It says nothing: the caller ended it or was at fault, the credential was, or another attempt was faster."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured of an attempt; None is unknown. Times are seconds, `first_token` of a stream alone."""

    result: Result
    error: str = ""
    first_token: float | None = None
    duration: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_nanos: int | None = None

    @property
    def answered(self) -> bool:
        """Whether there was a whole answer."""
        return self.result is Result.OK


@dataclass(frozen=True, slots=True)
class RewardScale:
    """What is half as good as at once, or as free: seconds to the first token of a stream, seconds for a whole answer, nano-USD."""

    first_token: float = 0.5
    duration: float = 5.0
    cost_nanos: float = 1_000_000.0


def reward(outcome: Outcome, scale: RewardScale, quality: float | None = None) -> float | None:
    """Return what an attempt is worth, from 0 to 1; None where it says nothing.

    A failure is worth 0. An answer is worth half its *quality*, which is 1 until somebody says otherwise, and half the mean of
    its speed 1 / (1 + seconds / scale) and its cheapness 1 / (1 + cost / scale), or the one of them that is known.
    """
    if outcome.result is Result.SILENT:
        return None
    if outcome.result is Result.FAILED:
        return 0.0
    known = [
        value for value in (_speed(outcome, scale), _worth(outcome.cost_nanos, scale.cost_nanos)) if value is not None
    ]
    return 0.5 * (1.0 if quality is None else quality) + 0.5 * (sum(known) / len(known) if known else 0.5)


def _speed(outcome: Outcome, scale: RewardScale) -> float | None:
    if outcome.first_token is not None:
        return _worth(outcome.first_token, scale.first_token)
    return _worth(outcome.duration, scale.duration)


def _worth(value: float | None, half: float) -> float | None:
    return None if value is None else 1 / (1 + max(value, 0.0) / half)
