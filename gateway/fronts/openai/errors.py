"""Our errors as OpenAI's: status, body and headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from airegistry import errors
from airegistry.errors import InvalidArgumentError, RegistryError
from gateway.fronts.errors import ErrorAnswer, error_headers, status_of

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

_INSIDE: Final[Mapping[str, Mapping[str, str]]] = {
    "chat": {
        r"^(tools\[\d+\])\.input_schema\b": r"\1.function.parameters",
        r"^(tools\[\d+\])\.(name|description|strict)\b": r"\1.function.\2",
        r"^tool_choice\.name\b": "tool_choice.function.name",
        r"^(messages\[\d+\]\.content\[\d+\])\.image\..*": r"\1.image_url.url",
    },
    # The forms that a text has here are one value for the caller.
    "embeddings": {r"^(inputs\[\d+\])\.(?:text|token_ids)\b.*": r"\1"},
}
"""Names below the top, as patterns."""


def error_answer(error: Exception) -> ErrorAnswer:
    """Return the answer that reports an error. One that is not of ours says nothing but that it happened."""
    ours = error if isinstance(error, RegistryError) else errors.InternalError("internal error")
    return ErrorAnswer(status_of(ours), orjson.dumps(error_value(ours)), error_headers(ours))


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


def _message(error: RegistryError, params: list[str]) -> str:
    if not isinstance(error, InvalidArgumentError) or not params:
        return error.message
    pairs = zip(params, error.violations, strict=True)
    return "; ".join(f"{param}: {violation.description}" for param, violation in pairs)


def _param(field: str) -> str:
    canonical = _CANONICAL.match(field)
    kind = canonical[1] if canonical else None
    path = _CANONICAL.sub("", field, count=1)
    for ours, theirs in _INSIDE.get(kind or "", {}).items():
        path = re.sub(ours, theirs, path)
    for ours, theirs in _PARAMS.get(kind or "", {}).items():
        if path == ours or path.startswith((f"{ours}[", f"{ours}.")):
            return theirs + path[len(ours) :]
    return path
