"""What Envoy answers by itself, in the words of the server."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from airegistry import errors
from airegistry._convert import ERROR_DOMAIN
from airegistry._rpc.envoy.configuration import Json
from airegistry._status import CODES
from airegistry.errors import RegistryError

_BY_STATUS: Mapping[int, type[RegistryError]] = {
    400: errors.InvalidArgumentError,
    404: errors.NotFoundError,
    408: errors.DeadlineExceededError,
    413: errors.RequestTooLargeError,
    429: errors.OverloadedError,
    431: errors.RequestTooLargeError,
    500: errors.InternalError,
    503: errors.UnavailableError,
    504: errors.DeadlineExceededError,
}
_TOO_MANY = "the server takes no more requests at the moment: its rate limit is reached"


def local_replies(prefixes: Sequence[str]) -> Json:
    """Return how they are written: below the *prefixes* of the REST API as google.rpc.Status in JSON, elsewhere as text."""
    mappers = [_mapper(status, error, prefixes) for status, error in _BY_STATUS.items()] if prefixes else []
    # Of all that match the first one counts.
    return {"mappers": [*mappers, {"filter": _has_status(429), "body": {"inline_string": _TOO_MANY}}]}


def _mapper(status: int, error: type[RegistryError], prefixes: Sequence[str]) -> Json:
    mapper: Json = {
        "filter": {"and_filter": {"filters": [_has_status(status), _is_below(prefixes)]}},
        "body_format_override": {"json_format": _status(error)},
    }
    return {**mapper, "body": {"inline_string": _TOO_MANY}} if status == 429 else mapper  # noqa: PLR2004 - HTTP's own


def _status(error: type[RegistryError]) -> Json:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": error.reason,
        "domain": ERROR_DOMAIN,
    }
    return {"code": CODES[error].value[0], "message": "%LOCAL_REPLY_BODY%", "details": [info]}


def _has_status(status: int) -> Json:
    value = {"default_value": status, "runtime_key": f"local_reply_{status}"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}


def _is_below(prefixes: Sequence[str]) -> Json:
    regex = f"({'|'.join(re.escape(prefix) for prefix in prefixes)}).*"
    # The transcoder keeps the path it came by, and then finds that the body is no JSON.
    return {"or_filter": {"filters": [_has(name, regex) for name in (":path", "x-envoy-original-path")]}}


def _has(header: str, regex: str) -> Json:
    return {"header_filter": {"header": {"name": header, "string_match": {"safe_regex": {"regex": regex}}}}}
