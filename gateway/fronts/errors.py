"""The HTTP status of each of our errors, for every front; a format's own words and exceptions are with the front.

What the caller can mend is a 4xx. What failed behind the gateway is a 5xx, a refused credential of ours too: a 401 would
send the caller to look at its own key. Nobody to take the call is 503 where that may pass, and 400 where nobody could ever. The SDKs of OpenAI and
Anthropic retry 408, 409, 429 and 5xx by themselves and obey Retry-After.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from airegistry import errors
from airegistry.errors import RegistryError


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An HTTP answer that reports an error."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


STATUSES: Final[Mapping[type[RegistryError], int]] = {
    errors.InvalidArgumentError: 400,
    errors.UnsupportedFieldError: 400,
    errors.RequestTooLargeError: 413,
    errors.InvalidPageTokenError: 400,
    errors.RequestIdReusedError: 400,
    errors.AmbiguousModelError: 400,
    errors.NotFoundError: 404,
    errors.ModelNotFoundError: 404,
    errors.LeaseExpiredError: 404,
    errors.AlreadyExistsError: 400,
    errors.OwnedByAnotherError: 400,
    errors.EtagMismatchError: 400,
    errors.FailedPreconditionError: 400,
    errors.ForeignResumeTokenError: 400,
    errors.NoCandidateError: 503,
    errors.NotSuitableError: 400,
    errors.CompactedError: 400,
    errors.RevisionInFutureError: 400,
    errors.UnauthenticatedError: 401,
    errors.PermissionDeniedError: 403,
    errors.OverloadedError: 503,
    errors.UnavailableError: 503,
    errors.DeadlineExceededError: 504,
    errors.CanceledError: 499,
    errors.UnimplementedError: 501,
    errors.InternalError: 500,
    errors.ProviderError: 502,
    errors.ProviderRejectedError: 400,
    errors.ContextLengthError: 400,
    errors.ContentRefusedError: 400,
    errors.ProviderCredentialError: 502,
    errors.ProviderModelNotFoundError: 502,
    errors.ProviderRateLimitedError: 429,
    errors.ProviderOverloadedError: 503,
    errors.ProviderFailedError: 502,
    errors.ProviderConnectionError: 502,
    errors.ProviderTimeoutError: 504,
    # None that an SDK sends again by itself.
    errors.TaskRejectedError: 422,
    errors.TaskCanceledError: 422,
    errors.MalformedAnswerError: 502,
    errors.TruncatedAnswerError: 502,
}


def status_of(error: RegistryError) -> int:
    """Return the HTTP status that stands for the class of an error."""
    return next((STATUSES[cls] for cls in type(error).__mro__ if cls in STATUSES), 500)


def error_headers(error: RegistryError) -> dict[str, str]:
    """Return the headers of an answer that reports an error, the wait before another try among them."""
    headers = {"content-type": "application/json"}
    if error.retry_after is not None:
        # Whole seconds for everybody, and the exact time for OpenAI's and Anthropic's SDKs.
        headers["retry-after"] = str(math.ceil(error.retry_after))
        headers["retry-after-ms"] = str(math.ceil(error.retry_after * 1000))
    return headers
