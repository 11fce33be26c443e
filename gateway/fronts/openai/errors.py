"""Our errors as OpenAI's: status, body and headers.

What the caller can mend is a 4xx. What failed behind the gateway is a 5xx, a refused credential of ours too: a 401 would
send the caller to look at its own key. Nobody to take the call is 503, because it mostly passes. OpenAI's SDKs retry 408,
409, 429 and 5xx by themselves and obey Retry-After.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from airegistry import errors
from airegistry.errors import InvalidArgumentError, RegistryError


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
    errors.MalformedAnswerError: 502,
    errors.TruncatedAnswerError: 502,
}

_CODES: Final[Mapping[type[RegistryError], str]] = {
    errors.ContentRefusedError: "content_filter",
    errors.ProviderRateLimitedError: "rate_limit_exceeded",
    errors.UnauthenticatedError: "invalid_api_key",
}
"""OpenAI's own words where they differ from our reason in lower case (`model_not_found`, `context_length_exceeded`)."""

_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
_SERVER_ERRORS: Final = 500

# Canonical paths, and what the caller calls the same. Paths of a front's own are the caller's words already.
_CANONICAL: Final = re.compile(r"^(?:invocation\.)?(?:(chat|embeddings|image)\.)?(?:extra\.)?")
_PARAMS: Final[Mapping[str, Mapping[str, str]]] = {
    "chat": {
        "max_output_tokens": "max_completion_tokens",
        "stop_sequences": "stop",
        "choice_count": "n",
        "output_modalities": "modalities",
        "reasoning.effort": "reasoning_effort",
    },
    "embeddings": {"inputs": "input"},
    "image": {"count": "n", "media_type": "output_format", "inputs": "images"},
}


def error_answer(error: Exception) -> ErrorAnswer:
    """Return the answer that reports an error. One that is not of ours says nothing but that it happened."""
    ours = error if isinstance(error, RegistryError) else errors.InternalError("internal error")
    return ErrorAnswer(status_of(ours), orjson.dumps(error_value(ours)), _headers(ours))


def error_value(error: RegistryError) -> dict[str, Any]:
    """Return the JSON value of an error."""
    status = status_of(error)
    kind = _TYPES.get(status, "server_error" if status >= _SERVER_ERRORS else "invalid_request_error")
    code = _CODES.get(type(error), error.reason.lower())
    if error.metadata.get("quota") == "exhausted":
        code = kind = "insufficient_quota"
    params = [_param(violation.field) for violation in getattr(error, "violations", ())]
    message = _message(error, params)
    return {"error": {"message": message, "type": kind, "param": params[0] if params else None, "code": code}}


def status_of(error: RegistryError) -> int:
    """Return the HTTP status that stands for the class of an error."""
    return next((STATUSES[cls] for cls in type(error).__mro__ if cls in STATUSES), 500)


def _headers(error: RegistryError) -> dict[str, str]:
    headers = {"content-type": "application/json"}
    if error.retry_after is not None:
        # Whole seconds for everybody, and the exact time for OpenAI's SDKs.
        headers["retry-after"] = str(math.ceil(error.retry_after))
        headers["retry-after-ms"] = str(math.ceil(error.retry_after * 1000))
    return headers


def _message(error: RegistryError, params: list[str]) -> str:
    if not isinstance(error, InvalidArgumentError) or not params:
        return error.message
    pairs = zip(params, error.violations, strict=True)
    return "; ".join(f"{param}: {violation.description}" for param, violation in pairs)


def _param(field: str) -> str:
    canonical = _CANONICAL.match(field)
    kind = canonical[1] if canonical else None
    path = _CANONICAL.sub("", field, count=1)
    for ours, theirs in _PARAMS.get(kind or "", {}).items():
        if path == ours or path.startswith((f"{ours}[", f"{ours}.")):
            return theirs + path[len(ours) :]
    return path
