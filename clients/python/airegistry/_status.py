"""What an error looks like on the wire: one table, read both ways."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode, aio

from airegistry import errors
from airegistry._broken import broke, never_stood
from airegistry._convert import ERROR_DOMAIN, duration_from_pb, duration_to_pb
from airegistry.errors import ErrorStatus, FieldViolation, InvalidArgumentError, ProviderError, RegistryError

NOBODY_ANSWERS = "nobody answers"
CONNECTION_BROKE = "the connection broke"
"""What a message begins with when a server was not reached, or not any more."""

DETAILS_KEY = "grpc-status-details-bin"
MAX_DETAILS_BYTES = 4 * 1024
"""gRPC peers refuse trailers above 8 KiB, some by their size in base64; what does not fit is left out, the ErrorInfo last."""
MAX_MESSAGE_BYTES = 1024
"""As it travels: three bytes for each byte that is not plain text."""

CODES: dict[type[RegistryError], StatusCode] = {
    errors.InvalidArgumentError: StatusCode.INVALID_ARGUMENT,
    errors.UnsupportedFieldError: StatusCode.INVALID_ARGUMENT,
    errors.RequestTooLargeError: StatusCode.INVALID_ARGUMENT,
    errors.InvalidPageTokenError: StatusCode.INVALID_ARGUMENT,
    errors.RequestIdReusedError: StatusCode.INVALID_ARGUMENT,
    errors.AmbiguousModelError: StatusCode.INVALID_ARGUMENT,
    errors.NotFoundError: StatusCode.NOT_FOUND,
    errors.ModelNotFoundError: StatusCode.NOT_FOUND,
    errors.LeaseExpiredError: StatusCode.NOT_FOUND,
    errors.AlreadyExistsError: StatusCode.ALREADY_EXISTS,
    errors.OwnedByAnotherError: StatusCode.ALREADY_EXISTS,
    errors.EtagMismatchError: StatusCode.ABORTED,
    errors.FailedPreconditionError: StatusCode.FAILED_PRECONDITION,
    errors.ForeignResumeTokenError: StatusCode.FAILED_PRECONDITION,
    errors.NoCandidateError: StatusCode.FAILED_PRECONDITION,
    errors.NotSuitableError: StatusCode.FAILED_PRECONDITION,
    errors.CompactedError: StatusCode.OUT_OF_RANGE,
    errors.RevisionInFutureError: StatusCode.OUT_OF_RANGE,
    errors.UnauthenticatedError: StatusCode.UNAUTHENTICATED,
    errors.PermissionDeniedError: StatusCode.PERMISSION_DENIED,
    errors.OverloadedError: StatusCode.RESOURCE_EXHAUSTED,
    errors.UnavailableError: StatusCode.UNAVAILABLE,
    errors.DeadlineExceededError: StatusCode.DEADLINE_EXCEEDED,
    errors.CanceledError: StatusCode.CANCELLED,
    errors.UnimplementedError: StatusCode.UNIMPLEMENTED,
    errors.InternalError: StatusCode.INTERNAL,
    errors.ProviderError: StatusCode.UNAVAILABLE,
    errors.ProviderRejectedError: StatusCode.INVALID_ARGUMENT,
    errors.ContextLengthError: StatusCode.INVALID_ARGUMENT,
    errors.ContentRefusedError: StatusCode.INVALID_ARGUMENT,
    # The caller's own identity is fine, so neither UNAUTHENTICATED nor PERMISSION_DENIED.
    errors.ProviderCredentialError: StatusCode.FAILED_PRECONDITION,
    errors.ProviderModelNotFoundError: StatusCode.FAILED_PRECONDITION,
    errors.ProviderRateLimitedError: StatusCode.RESOURCE_EXHAUSTED,
    errors.ProviderOverloadedError: StatusCode.UNAVAILABLE,
    errors.ProviderFailedError: StatusCode.UNAVAILABLE,
    errors.ProviderConnectionError: StatusCode.UNAVAILABLE,
    errors.ProviderTimeoutError: StatusCode.DEADLINE_EXCEEDED,
    errors.TaskRejectedError: StatusCode.FAILED_PRECONDITION,
    errors.TaskCanceledError: StatusCode.ABORTED,
    errors.MalformedAnswerError: StatusCode.UNAVAILABLE,
    errors.TruncatedAnswerError: StatusCode.UNAVAILABLE,
}

_BY_REASON = {cls.reason: cls for cls in CODES}
# For answers of servers that send no ErrorInfo (a proxy, gRPC itself): the plainest class of each code.
_BY_CODE = {code: cls for cls, code in reversed(CODES.items())} | {StatusCode.UNAVAILABLE: errors.UnavailableError}

# As google.rpc.Code says of each.
_HTTP: dict[StatusCode, int] = {
    StatusCode.OK: 200,
    StatusCode.CANCELLED: 499,
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.OUT_OF_RANGE: 400,
    StatusCode.UNAUTHENTICATED: 401,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ABORTED: 409,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.UNIMPLEMENTED: 501,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.DEADLINE_EXCEEDED: 504,
}


@dataclass(frozen=True, slots=True)
class WireStatus:
    """A status ready to be sent: the code, the message and the serialized google.rpc.Status."""

    code: StatusCode
    message: str
    details: bytes


def code_of(error: RegistryError) -> StatusCode:
    """Return the status code that stands for the class of *error*."""
    for cls in type(error).__mro__:
        if cls in CODES:
            return CODES[cls]
    return StatusCode.UNKNOWN


def http_status(code: StatusCode) -> int:
    """Return the HTTP status that says the same."""
    return _HTTP.get(code, 500)


def status_of(error: RegistryError) -> ErrorStatus:
    """Return the error as a value, for replies that list errors beside results."""
    return ErrorStatus(code=_wire_name(code_of(error)), reason=error.reason, message=error.message)


def to_status(error: RegistryError) -> WireStatus:
    """Return what goes over the wire for *error*."""
    code = code_of(error)
    number: int = code.value[0]
    status = status_pb2.Status(code=number, message=_cut(error.message))
    status.details.add().Pack(
        error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN, metadata=_metadata(error))
    )
    for message in _further_details(error):
        status.details.add().Pack(message)
        # Some of the violations are better than none.
        while status.ByteSize() > MAX_DETAILS_BYTES and getattr(message, "field_violations", None):
            del message.field_violations[-1]
            status.details[-1].Pack(message)
        if status.ByteSize() > MAX_DETAILS_BYTES:
            del status.details[-1]
    return WireStatus(code, status.message, status.SerializeToString())


def from_call(error: aio.AioRpcError) -> RegistryError:
    """Return the error that a server meant by the status of a call."""
    status = _status_in(error)
    message = error.details() or ""
    info = _first(status, error_details_pb2.ErrorInfo)
    if info is None or info.domain != ERROR_DOMAIN or info.reason not in _BY_REASON:
        return _BY_CODE.get(error.code(), RegistryError)(_in_words(error.code(), message))
    return _rebuild(_BY_REASON[info.reason], message, status, info)


def _in_words(code: StatusCode, message: str) -> str:
    """Return the message of a status without an ErrorInfo; what gRPC says of a connection is said in our words."""
    if code not in (StatusCode.UNAVAILABLE, StatusCode.CANCELLED):
        return message
    if (why := never_stood(message)) is not None:
        return f"{NOBODY_ANSWERS}{why}"
    return CONNECTION_BROKE if broke(message) else message


def reason_of(error: aio.AioRpcError) -> str:
    """Return the reason that a server of anybody's gives in the details of a status; empty where there is none."""
    try:
        info = _first(_status_in(error), error_details_pb2.ErrorInfo)
    except DecodeError:
        return ""
    return info.reason if info is not None else ""


def _rebuild(
    cls: type[RegistryError], message: str, status: status_pb2.Status, info: error_details_pb2.ErrorInfo
) -> RegistryError:
    retry = _first(status, error_details_pb2.RetryInfo)
    metadata = dict(info.metadata)
    keywords: dict[str, Any] = {
        "retry_after": _delay(retry),
        "details": [detail for detail in status.details if not _ours(detail)],
    }
    accepted = _keywords(cls)
    if "violations" in accepted:
        bad = _first(status, error_details_pb2.BadRequest)
        keywords["violations"] = [
            FieldViolation(v.field, v.description) for v in (bad.field_violations if bad is not None else ())
        ]
    if "http_status" in accepted:
        http_status = metadata.pop("http_status", None)
        keywords["http_status"] = int(http_status) if http_status is not None else None
    return cls(message, metadata=metadata, **keywords)


def _delay(retry: error_details_pb2.RetryInfo | None) -> float | None:
    try:
        return duration_from_pb(retry.retry_delay) if retry is not None else None
    except ValueError:
        return None


def _cut(message: str) -> str:
    """Return what fits of a message; gRPC escapes it as URLs are."""
    size = 0
    for i, char in enumerate(message):
        size += 1 if " " <= char <= "~" and char != "%" else 3 * len(char.encode(errors="replace"))
        if size > MAX_MESSAGE_BYTES:
            return message[:i]
    return message


def _keywords(cls: type[RegistryError]) -> frozenset[str]:
    return frozenset(inspect.signature(cls).parameters)


def _metadata(error: RegistryError) -> dict[str, str]:
    metadata = {key: value[:1024] for key, value in error.metadata.items()}
    if isinstance(error, ProviderError) and error.http_status is not None:
        metadata["http_status"] = str(error.http_status)
    return metadata


def _further_details(error: RegistryError) -> Iterable[Any]:
    if isinstance(error, InvalidArgumentError) and error.violations:
        yield error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(field=v.field, description=v.description)
                for v in error.violations[:20]
            ]
        )
    if error.retry_after is not None:
        yield error_details_pb2.RetryInfo(retry_delay=duration_to_pb(error.retry_after))
    yield from error.details


def _status_in(error: aio.AioRpcError) -> status_pb2.Status:
    # Each is a named tuple, which the stubs do not say.
    pairs = cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ())
    for key, value in pairs:
        if key == DETAILS_KEY and isinstance(value, bytes):
            return status_pb2.Status.FromString(value)
    return status_pb2.Status()


def _first(status: status_pb2.Status, cls: type[Any]) -> Any:
    for detail in status.details:
        if detail.Is(cls.DESCRIPTOR):
            message = cls()
            detail.Unpack(message)
            return message
    return None


def _ours(detail: Any) -> bool:
    known = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)
    return any(detail.Is(cls.DESCRIPTOR) for cls in known)


def _wire_name(code: StatusCode) -> str:
    """Return the name that google.rpc.Code has for *code*."""
    return "CANCELLED" if code is StatusCode.CANCELLED else code.name
