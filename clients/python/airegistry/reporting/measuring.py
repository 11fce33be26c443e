"""What an attempt says of whom it asked."""

from __future__ import annotations

from datetime import datetime

from airegistry.invocations.invocation import Attempt, AttemptOutcome
from airegistry.invoke.observer import Circumstances
from airegistry.observations.observation import Observation


def tells(attempt: Attempt, circumstances: Circumstances) -> bool:
    """Say whether an attempt says anything of whom it asked."""
    return circumstances.telling and attempt.outcome is not None


def observation_of(attempt: Attempt, circumstances: Circumstances, at: datetime) -> Observation:
    """Return what was measured of an attempt that ended *at*.

    An error that is the caller's own or the credential's is told with its class: it counts, and harms nobody. An attempt that
    its caller's impatience ended counts among those that a caller ended.
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
        attempt.usage,
        attempt.cost,
    )
