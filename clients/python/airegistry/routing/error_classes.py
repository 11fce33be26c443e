"""What an attempt's error means for the attempts after it: one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from airegistry import errors
from airegistry.errors import ProviderError
from airegistry.resources.route import ErrorClass


class NextStep(Enum):
    """What may be tried after an error."""

    RETRY_SAME = auto()
    """The same target once more, then others."""
    MOVE_ON = auto()
    """Another target."""
    LARGER_CONTEXT = auto()
    """Only a target with a larger context."""
    STOP = auto()
    """Nothing: the same request would be refused again."""


class Blame(Enum):
    """What an error says about the endpoint."""

    ENDPOINT = auto()
    """It failed."""
    NOBODY = auto()
    """It answered as it should; the request was at fault."""
    UNDECIDED = auto()
    """Neither good nor bad: it has too much to do, or nothing was learned."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an error is, what may follow, and whose fault it was."""

    error_class: ErrorClass
    next: NextStep
    blame: Blame


VERDICTS: dict[type[ProviderError], Verdict] = {
    errors.ProviderError: Verdict(ErrorClass.PROVIDER, NextStep.MOVE_ON, Blame.ENDPOINT),
    errors.ProviderRejectedError: Verdict(ErrorClass.INVALID_REQUEST, NextStep.STOP, Blame.NOBODY),
    errors.ContextLengthError: Verdict(ErrorClass.CONTEXT_LENGTH, NextStep.LARGER_CONTEXT, Blame.NOBODY),
    errors.ContentRefusedError: Verdict(ErrorClass.CONTENT_FILTER, NextStep.STOP, Blame.NOBODY),
    errors.ProviderCredentialError: Verdict(ErrorClass.CREDENTIAL, NextStep.MOVE_ON, Blame.ENDPOINT),
    errors.ProviderModelNotFoundError: Verdict(ErrorClass.MODEL_NOT_FOUND, NextStep.MOVE_ON, Blame.ENDPOINT),
    errors.ProviderRateLimitedError: Verdict(ErrorClass.RATE_LIMITED, NextStep.MOVE_ON, Blame.UNDECIDED),
    errors.ProviderOverloadedError: Verdict(ErrorClass.OVERLOADED, NextStep.MOVE_ON, Blame.ENDPOINT),
    errors.ProviderFailedError: Verdict(ErrorClass.PROVIDER, NextStep.MOVE_ON, Blame.ENDPOINT),
    errors.ProviderConnectionError: Verdict(ErrorClass.CONNECTION, NextStep.MOVE_ON, Blame.ENDPOINT),
    errors.ProviderTimeoutError: Verdict(ErrorClass.TIMEOUT, NextStep.MOVE_ON, Blame.ENDPOINT),
    errors.TaskRejectedError: Verdict(ErrorClass.TASK_DECLINED, NextStep.MOVE_ON, Blame.NOBODY),
    errors.TaskCanceledError: Verdict(ErrorClass.TASK_DECLINED, NextStep.STOP, Blame.NOBODY),
    errors.MalformedAnswerError: Verdict(ErrorClass.MALFORMED_ANSWER, NextStep.MOVE_ON, Blame.ENDPOINT),
    errors.TruncatedAnswerError: Verdict(ErrorClass.MALFORMED_ANSWER, NextStep.MOVE_ON, Blame.ENDPOINT),
}

UNAVAILABLE = frozenset(
    verdict.error_class
    for verdict in VERDICTS.values()
    if verdict.next is NextStep.MOVE_ON and verdict.blame is not Blame.NOBODY
)
"""What keeps an endpoint from being asked at all, once it came often enough."""

RESET = "reset"
"""`metadata["connection"]` of a connection that stood and broke; one that never stood is not tried again at once."""

NONE_FREE = "none-free"
"""The same of a connection that our own limits do not allow: the endpoint was not asked."""


def classify(error: ProviderError, *, reroute_refusals: bool = False) -> Verdict:
    """Return what *error* means. A refusal of content moves on only with *reroute_refusals*."""
    verdict = next(VERDICTS[cls] for cls in type(error).__mro__ if cls in VERDICTS)
    if verdict.error_class is ErrorClass.CONTENT_FILTER and reroute_refusals:
        return Verdict(verdict.error_class, NextStep.MOVE_ON, verdict.blame)
    if never_asked(error):
        return Verdict(verdict.error_class, verdict.next, Blame.UNDECIDED)
    if _may_pass(error):
        return Verdict(verdict.error_class, NextStep.RETRY_SAME, verdict.blame)
    return verdict


def never_asked(error: ProviderError) -> bool:
    """Say whether our own limits kept the request from the endpoint, so that the error says nothing of it."""
    return error.metadata.get("connection") == NONE_FREE


def _may_pass(error: ProviderError) -> bool:
    """Say whether the same target may well answer when it is asked again at once."""
    if isinstance(error, errors.ProviderFailedError):
        return error.http_status == 500  # noqa: PLR2004 - the one status that says "this time"
    return isinstance(error, errors.ProviderConnectionError) and error.metadata.get("connection") == RESET
