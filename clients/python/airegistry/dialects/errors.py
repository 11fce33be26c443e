"""What an error of a provider means, by its status and the words that providers use for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from airegistry.dialects.redaction import LONGEST, presentable
from airegistry.dialects.retry_after import retry_after, retry_delay, wait_in_words
from airegistry.errors import (
    ContentRefusedError,
    ContextLengthError,
    ProviderCredentialError,
    ProviderError,
    ProviderFailedError,
    ProviderModelNotFoundError,
    ProviderOverloadedError,
    ProviderRateLimitedError,
    ProviderRejectedError,
    ProviderTimeoutError,
)

_BY_STATUS: Final[Mapping[int, type[ProviderError]]] = {
    401: ProviderCredentialError,
    402: ProviderRateLimitedError,
    403: ProviderCredentialError,
    404: ProviderModelNotFoundError,
    408: ProviderTimeoutError,
    424: ProviderFailedError,
    429: ProviderRateLimitedError,
    503: ProviderOverloadedError,
    504: ProviderTimeoutError,
    524: ProviderTimeoutError,
    529: ProviderOverloadedError,
}
"""What a status means when nothing more exact is said. Other 4xx: the request was refused; the rest: a failure."""

_BY_CODE: Final[Mapping[str, type[ProviderError]]] = {
    "context_length_exceeded": ContextLengthError,
    "exceed_context_size_error": ContextLengthError,
    "string_above_max_length": ContextLengthError,
    "content_filter": ContentRefusedError,
    "content_policy_violation": ContentRefusedError,
    "moderation_blocked": ContentRefusedError,
    "image_content_policy_violation": ContentRefusedError,
    "invalid_prompt": ContentRefusedError,
    "bio_policy": ContentRefusedError,
    "misalignment_policy_violation": ContentRefusedError,
    "responsibleaipolicyviolation": ContentRefusedError,
    "invalid_api_key": ProviderCredentialError,
    "authentication_error": ProviderCredentialError,
    "permission_error": ProviderCredentialError,
    "permission_denied": ProviderCredentialError,
    "model_not_found": ProviderModelNotFoundError,
    "model_not_supported": ProviderModelNotFoundError,
    "deploymentnotfound": ProviderModelNotFoundError,
    "insufficient_quota": ProviderRateLimitedError,
    "billing_hard_limit_reached": ProviderRateLimitedError,
    "rate_limit_exceeded": ProviderRateLimitedError,
    "rate_limit_error": ProviderRateLimitedError,
    "tokens_exceeded_error": ProviderRateLimitedError,
    "overloaded_error": ProviderOverloadedError,
    "engine_overloaded": ProviderOverloadedError,
    "server_overloaded": ProviderOverloadedError,
    "overloaded": ProviderOverloadedError,
    "unhealthy": ProviderOverloadedError,
    "healthcheck": ProviderOverloadedError,
    "timeout": ProviderTimeoutError,
    "vector_store_timeout": ProviderTimeoutError,
    "timeout_error": ProviderTimeoutError,
    "billing_error": ProviderRateLimitedError,
    "not_found_error": ProviderModelNotFoundError,
    "api_error": ProviderFailedError,
    "invalid_request_error": ProviderRejectedError,
    "badrequesterror": ProviderRejectedError,
    # Google's canonical codes, and the reasons in its details.
    "unauthenticated": ProviderCredentialError,
    "api_key_invalid": ProviderCredentialError,
    "resource_exhausted": ProviderRateLimitedError,
    "unavailable": ProviderOverloadedError,
    "deadline_exceeded": ProviderTimeoutError,
    "not_found": ProviderModelNotFoundError,
    "invalid_argument": ProviderRejectedError,
    "failed_precondition": ProviderRejectedError,
    "internal": ProviderFailedError,
    "validation": ProviderRejectedError,
    "tokenizer": ProviderRejectedError,
    "server_error": ProviderFailedError,
    "generation": ProviderFailedError,
    "incomplete_generation": ProviderFailedError,
    "backend": ProviderFailedError,
    "internal_server_error": ProviderFailedError,
}
"""Words in `code` and `type` (Google: the reason in the details, and `status`), in lower case; the first is the more exact."""

_QUOTA: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached", "insufficient_balance", "billing_error"})

# Anthropic says it with a plain 400.
_BROKE = re.compile(r"credit balance is too low", re.IGNORECASE)

# The shapes in which compatible servers say it in prose, with a plain 400 (some with 413 or 500).
_TOO_LONG = re.compile(
    r"maximum context length|context (?:length|window|size)[^.]{0,60}(?:exceed|limit|too)"
    r"|exceeds? (?:the )?(?:available |maximum |model'?s? )*context|prompt is too long|too many (?:input )?tokens"
    r"|input token count[^.]{0,40}exceeds|(?:input|prompt)[^.]{0,40}(?:longer than|too large to process)"
    r"|reduce the length of the (?:messages|prompt|input)"
    r"|`inputs`(?: tokens \+ `max_new_tokens` must be <=| must have less than)",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content (?:management|filter|polic)|flagged as (?:potentially )?violating|safety system", re.IGNORECASE
)
# llama.cpp says it with a 500: the fault is the request's, and would be found again by asking again.
_BEYOND_THE_MODEL = re.compile(r"\b(?:image|audio|video) input is not supported", re.IGNORECASE)
_UNKNOWN_MODEL = re.compile(
    r"\bmodel\b[^.]{0,200}(?:does not exist|not found|not exist)|no such model|unknown model", re.IGNORECASE
)

_STATUSES: Final = ("status", "status_code", "http_status_code")
_BESIDE: Final = ("error_type", "code", *_STATUSES)
"""What may stand beside an error that is a plain text."""

_LONGEST_WAIT: Final = 3600
_CLIENT_ERRORS: Final = range(400, 500)
_LIMITED: Final = frozenset({429, 503, 529})


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """Return the error that a status and its body mean. The message is short and shows no key."""
    said = _body_of(body)
    wait = retry_after(headers, limited=status in _LIMITED)
    return _error(f"provider answered {status}", status, said, wait)


def error_within(answer: Mapping[str, Any]) -> ProviderError | None:
    """Return the error that came in the place of an answer, with a status of success; None when there is none."""
    found = answer.get("error")
    if not found and answer.get("object") != "error":
        return None
    # What stands beside a plain text may tell more of it, as Hugging Face's servers do.
    if isinstance(found, str):
        found = {"error": found, **{name: answer[name] for name in _BESIDE if name in answer}}
    said = _said(found or answer)
    # Routers put the status that they got themselves in `code`.
    number = "" if said.status is None else f" {said.status}"
    return _error(f"provider reported an error{number} in its answer", said.status or _status_within(said), said, None)


def failure_of(data: bytes) -> ProviderError:
    """Return what an `error` event means, whatever is in it."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = data.decode(errors="replace")
    error = value.get("error", value) if isinstance(value, dict) else value
    return error_within({"error": error or "no explanation"}) or ProviderFailedError("the provider failed")


class _Said:
    """What an error body says."""

    __slots__ = ("code", "message", "status", "type", "wait")

    def __init__(self, message: str, code: str = "", type_: str = "", status: int | None = None) -> None:
        self.message = message
        self.code = code
        self.type = type_
        self.status = status
        self.wait: float | None = None


def _error(event: str, status: int, said: _Said, wait: float | None) -> ProviderError:
    cls = _class_of(status, said)
    message = presentable(said.message) or "no explanation"
    metadata = {key: word for key in ("code", "type") if (word := presentable(getattr(said, key)))}
    if said.code in _QUOTA or said.type in _QUOTA or status == 402 or _broke(status, said):  # noqa: PLR2004 - Payment Required
        metadata["quota"] = "exhausted"
    return cls(
        f"{event}: {message}"[:LONGEST],
        http_status=status,
        metadata=metadata,
        retry_after=_first_known(wait, said.wait, wait_in_words(said.message) if _asks_for_time(cls) else None),
    )


def _status_within(said: _Said) -> int:
    """Return the status that an error would have had, had it come in time."""
    rejected = ProviderRejectedError in (_BY_CODE.get(said.code.lower()), _BY_CODE.get(said.type.lower()))
    return 400 if rejected else 500


def _class_of(status: int, said: _Said) -> type[ProviderError]:
    exact = _BY_CODE.get(said.code.lower()) or _BY_CODE.get(said.type.lower())
    # `invalid_request_error` is the type of nearly every 4xx, `server_error` of every 5xx (OpenAI's own 503 too): neither
    # may hide what the rest says.
    if exact is not None and exact not in (ProviderRejectedError, ProviderFailedError):
        return exact
    if _broke(status, said):
        return ProviderRateLimitedError
    if status in (400, 413, 422, 500) and _TOO_LONG.search(said.message):
        return ContextLengthError
    if status in _CLIENT_ERRORS and status != 429:  # noqa: PLR2004 - Too Many Requests
        if _FILTERED.search(said.message):
            return ContentRefusedError
        if status == 400 and _UNKNOWN_MODEL.search(said.message):  # noqa: PLR2004 - Bad Request
            return ProviderModelNotFoundError
    refused = status in _CLIENT_ERRORS and exact is not ProviderFailedError
    refused = refused or (status == 500 and bool(_BEYOND_THE_MODEL.search(said.message)))  # noqa: PLR2004 - Internal Server Error
    return _BY_STATUS.get(status, ProviderRejectedError if refused else ProviderFailedError)


def _broke(status: int, said: _Said) -> bool:
    return status == 400 and bool(_BROKE.search(said.message))  # noqa: PLR2004 - Bad Request


def _body_of(body: bytes) -> _Said:
    start = body[:64].lstrip()
    if start[:1] == b"<":
        return _Said(_title(body[:4096].decode(errors="replace")))
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _Said(body[:4096].decode(errors="replace"))
    return _said(value)


def _said(value: Any) -> _Said:
    match value:
        case [dict() as first, *_]:
            return _said(first)
        case {"error": dict() as error}:
            return _said(error)
        case dict():
            return _fields(value)
        case str():
            return _Said(value)
    return _Said("")


def _json(words: object) -> str:
    try:
        return orjson.dumps(words).decode()
    except orjson.JSONEncodeError:
        return ""  # nested so deeply that nobody would read it


def _fields(error: Mapping[str, Any]) -> _Said:
    # `detail` is FastAPI's: a string, or a list of violations.
    words = error.get("message") or error.get("error") or error.get("detail") or error.get("msg") or ""
    message = words if isinstance(words, str) else _json(words)
    code, inner = error.get("code"), error.get("innererror")
    if isinstance(inner, dict) and isinstance(inner.get("code"), str):
        code = inner["code"]
    code = code if isinstance(code, str) else _reason(error.get("details"))
    status = next((n for n in map(error.get, ("code", *_STATUSES)) if _is_status(n)), None)
    kinds = (error.get(name) for name in ("type", "error_type", "status"))
    kind = next((word for word in kinds if isinstance(word, str) and not word.isdecimal()), "")
    said = _Said(message, code, kind, _status(status))
    said.wait = _first_known(_wait(error.get("estimated_time")), retry_delay(error.get("details")))
    return said


def _asks_for_time(cls: type[ProviderError]) -> bool:
    return issubclass(cls, ProviderRateLimitedError | ProviderOverloadedError)


def _first_known(*waits: float | None) -> float | None:
    return next((wait for wait in waits if wait is not None), None)


def _reason(details: Any) -> str:
    """Return the reason of Google's ErrorInfo, where there is one."""
    infos = [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    return next((one["reason"] for one in infos if isinstance(one.get("reason"), str)), "")


def _wait(seconds: Any) -> float | None:
    """Return how long Hugging Face thinks that a model takes to load, for which it has no header."""
    told = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= _LONGEST_WAIT
    return float(seconds) if told else None


def _is_status(value: Any) -> bool:
    return _status(value) is not None


def _status(value: Any) -> int | None:
    number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) == 3 else value  # noqa: PLR2004
    return number if isinstance(number, int) and not isinstance(number, bool) and 400 <= number < 600 else None  # noqa: PLR2004


def _title(page: str) -> str:
    found = re.search(r"<(title|h1)[^>]*>([^<]{1,200})</\1>", page, re.IGNORECASE)
    return f"an HTML page: {found[2].strip()}" if found else "an HTML page"
