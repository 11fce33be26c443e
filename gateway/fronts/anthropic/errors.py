"""Our errors as Anthropic's: status, body and headers."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from airegistry import errors
from airegistry._ids import new_id
from airegistry.errors import InvalidArgumentError, RegistryError
from gateway.fronts.errors import ErrorAnswer, error_headers
from gateway.fronts.errors import status_of as common_status

REQUEST_ID: Final = "request-id"
_OVERLOADED: Final = 529
_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    _OVERLOADED: "overloaded_error",
}
_SERVER_ERRORS: Final = 500

_TOO_LONG: Final = "prompt is too long"
"""By these words clients of Anthropic's know that they must shorten the conversation."""

# Canonical paths as the caller knows them.
_PREFIX: Final = re.compile(r"^(?:invocation\.)?(?:chat\.)?(?:extra\.)?")
_SOURCE: Final = re.compile(r"^(messages\[\d+\]\.content\[\d+\])\.(?:image|file)\b(?=\.)")
"""Media: by what they are here, by where they come from in this format."""
_PARAMS: Final = {
    "max_output_tokens": "max_tokens",
    "response_format": "output_config.format",
    "reasoning.effort": "output_config.effort",
    "reasoning.max_tokens": "thinking.budget_tokens",
    "reasoning": "thinking",
    "user": "metadata.user_id",
}


def error_answer(error: Exception) -> ErrorAnswer:
    """Return the answer that reports an error. One that is not of ours says nothing but that it happened."""
    ours = error if isinstance(error, RegistryError) else errors.InternalError("internal error")
    identity = new_request_id()
    headers = {**error_headers(ours), REQUEST_ID: identity}
    return ErrorAnswer(status_of(ours), orjson.dumps({**error_value(ours), "request_id": identity}), headers)


def error_value(error: RegistryError) -> dict[str, Any]:
    """Return the JSON value of an error. Our own reason stands beside Anthropic's type."""
    status = status_of(error)
    kind = _TYPES.get(status, "api_error" if status >= _SERVER_ERRORS else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": _message(error), "reason": error.reason}}


def status_of(error: RegistryError) -> int:
    """Return the HTTP status that stands for an error in this format."""
    if isinstance(error, errors.OverloadedError | errors.ProviderOverloadedError):
        return _OVERLOADED
    return 402 if error.metadata.get("quota") == "exhausted" else common_status(error)


def new_request_id() -> str:
    """Return an id for a request, in the form of Anthropic's."""
    return f"req_{new_id()}"


def _message(error: RegistryError) -> str:
    violations = error.violations if isinstance(error, InvalidArgumentError) else ()
    if violations:
        return "; ".join(f"{_param(violation.field)}: {violation.description}" for violation in violations)
    if isinstance(error, errors.ContextLengthError) and _TOO_LONG not in error.message:
        return f"{_TOO_LONG}: {error.message}"
    return error.message


def _param(field: str) -> str:
    path = _SOURCE.sub(r"\1.source", _PREFIX.sub("", field, count=1))
    for ours, theirs in _PARAMS.items():
        if path == ours or path.startswith((f"{ours}[", f"{ours}.")):
            return theirs + path[len(ours) :]
    return path
