"""What an attempt says of whom it asked."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from operator import attrgetter

from airegistry.invocations.invocation import Attempt, AttemptOutcome
from airegistry.invocations.usage import Cost, Usage
from airegistry.invoke.observer import Circumstances
from airegistry.observations.observation import MAX_COST_NANOS, MAX_TOKENS, Observation

_counts = attrgetter(*(field.name for field in fields(Usage) if field.name != "estimated"))


def tells(attempt: Attempt, circumstances: Circumstances) -> bool:
    """Say whether an attempt says anything of whom it asked."""
    return circumstances.telling and attempt.outcome is not None


def observation_of(attempt: Attempt, circumstances: Circumstances, at: datetime) -> Observation:
    """Return what was measured of an attempt that ended *at*.

    An error that is the caller's own or the credential's is told with its class: it counts, and harms nobody. An attempt that
    its caller's impatience ended counts among those that a caller ended. A usage or a cost that cannot be is left out: for one
    of them the registry would refuse the whole batch, and a provider can say what it likes.
    """
    outcome, error_class = attempt.outcome, attempt.error_class
    if circumstances.cut_short:
        outcome, error_class = AttemptOutcome.CANCELED, None
    return Observation(
        attempt.target,
        at,
        outcome,
        error_class,
        attempt.duration,
        # A whole answer has no first token, though an attempt says when it was there.
        attempt.time_to_first_token if circumstances.streamed else None,
        attempt.usage if _can_be_used(attempt.usage) else None,
        attempt.cost if _can_be_paid(attempt.cost) else None,
    )


def _can_be_used(usage: Usage | None) -> bool:
    return usage is None or all(count is None or 0 <= count <= MAX_TOKENS for count in _counts(usage))


def _can_be_paid(cost: Cost | None) -> bool:
    return cost is None or cost.nanos is None or 0 <= cost.nanos <= MAX_COST_NANOS
