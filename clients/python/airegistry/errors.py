"""Everything that can go wrong, as one tree; each leaf says what the caller can do about it.

RegistryError
├── InvalidArgumentError            fix the request; `violations` names the fields
│   ├── UnsupportedFieldError       leave the field out: this server does not implement it
│   ├── RequestTooLargeError        send less
│   ├── InvalidPageTokenError       list from the start
│   ├── RequestIdReusedError        take a fresh request_id
│   └── AmbiguousModelError         write one of the full names
├── NotFoundError
│   ├── ModelNotFoundError          nothing has that name
│   └── LeaseExpiredError           register again
├── AlreadyExistsError
│   └── OwnedByAnotherError         wait for the lease to end, or take over
├── EtagMismatchError               read, then write again
├── FailedPreconditionError
│   ├── ForeignResumeTokenError     the token is of another store: start anew
│   └── NoCandidateError            try later; the exclusions say who might take it then
│       └── NotSuitableError        ask for less, or ask others; the exclusions say why
├── CompactedError                  resync from a snapshot
├── RevisionInFutureError           the position is of another store, or invented
├── UnauthenticatedError
├── PermissionDeniedError
├── OverloadedError                 retry after a while
├── UnavailableError                retry
├── DeadlineExceededError
├── CanceledError
├── UnimplementedError
├── InternalError                   report it
└── ProviderError                   somebody behind the gateway failed
    ├── ProviderRejectedError       the provider refused the request itself
    │   ├── ContextLengthError      the prompt does not fit
    │   └── ContentRefusedError     a content filter refused it
    ├── ProviderCredentialError     missing, wrong or forbidden credential
    ├── ProviderModelNotFoundError  the provider does not know the model
    ├── ProviderRateLimitedError    too many requests, or no quota left
    ├── ProviderOverloadedError     the provider sheds load
    ├── ProviderFailedError         the provider's own failure
    ├── ProviderConnectionError     no connection, or it broke
    ├── ProviderTimeoutError        a time budget ran out
    ├── TaskRejectedError           the agent declined the task; another one may take it
    ├── TaskCanceledError           somebody cancelled the task at the agent
    └── MalformedAnswerError        the answer could not be understood
        └── TruncatedAnswerError    the answer ended before it was whole
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """What is wrong with one field of a request."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class ErrorStatus:
    """An error as a value: one that is reported beside results instead of raised."""

    code: str
    reason: str
    message: str


class RegistryError(Exception):
    """An error that AI Registry means to raise; `reason` is stable and is what programs compare.

    `metadata` adds facts for programs (strings only). `retry_after` is in seconds, None where a retry does not help or
    no time is known. `details` holds further protobuf messages that travelled with the status, for those who know them.
    `attempts` lists what an invocation tried before it failed, as `invocations.invocation.Attempt`.
    """

    reason: ClassVar[str] = "ERROR"

    def __init__(
        self,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        details: Iterable[Any] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after
        self.details = tuple(details)
        self.attempts: tuple[Any, ...] = ()


class InvalidArgumentError(RegistryError):
    """The request itself is wrong; the same request will never succeed."""

    reason = "INVALID_ARGUMENT"

    def __init__(
        self,
        message: str = "",
        *,
        violations: Iterable[FieldViolation] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        details: Iterable[Any] = (),
    ) -> None:
        self.violations = tuple(violations)
        text = message or "; ".join(f"{v.field}: {v.description}" for v in self.violations)
        super().__init__(text, metadata=metadata, retry_after=retry_after, details=details)

    @classmethod
    def of(cls, field: str, description: str) -> InvalidArgumentError:
        """Build the error for one field, by its path in the request."""
        return cls(violations=[FieldViolation(field, description)])


class UnsupportedFieldError(InvalidArgumentError):
    """The field exists in the contract, but this server does not implement it yet."""

    reason = "UNSUPPORTED_FIELD"


class RequestTooLargeError(InvalidArgumentError):
    """The request exceeds a stated limit; metadata has `limit` and `count`."""

    reason = "REQUEST_TOO_LARGE"


class InvalidPageTokenError(InvalidArgumentError):
    """The page token is malformed, or of another List."""

    reason = "INVALID_PAGE_TOKEN"


class RequestIdReusedError(InvalidArgumentError):
    """The request_id was used before, with another payload."""

    reason = "REQUEST_ID_REUSED"


class AmbiguousModelError(InvalidArgumentError):
    """Several resources answer to the name; metadata has `matches`."""

    reason = "AMBIGUOUS_MODEL"


class NotFoundError(RegistryError):
    """The resource does not exist."""

    reason = "NOT_FOUND"


class ModelNotFoundError(NotFoundError):
    """Nothing that can be invoked has that name."""

    reason = "MODEL_NOT_FOUND"


class LeaseExpiredError(NotFoundError):
    """The lease is gone; its holder registers again."""

    reason = "LEASE_EXPIRED"


class AlreadyExistsError(RegistryError):
    """The resource exists and was to be created."""

    reason = "ALREADY_EXISTS"


class OwnedByAnotherError(AlreadyExistsError):
    """Another owner holds a live lease on the resource."""

    reason = "OWNED_BY_ANOTHER"


class EtagMismatchError(RegistryError):
    """The resource changed since the caller read it."""

    reason = "ETAG_MISMATCH"


class FailedPreconditionError(RegistryError):
    """The system is not in the state that the request needs."""

    reason = "FAILED_PRECONDITION"


class ForeignResumeTokenError(FailedPreconditionError):
    """The resume token belongs to another store."""

    reason = "FOREIGN_RESUME_TOKEN"


class NoCandidateError(FailedPreconditionError):
    """Nobody can take the call; metadata counts the excluded by reason."""

    reason = "NO_CANDIDATE"


class NotSuitableError(NoCandidateError):
    """Nobody who serves it can do what the request asks for, now or later; metadata counts the excluded by reason."""

    reason = "NOT_SUITABLE"


class CompactedError(RegistryError):
    """The history no longer reaches back that far; metadata has `compact_revision` and `current_revision`."""

    reason = "REVISION_COMPACTED"


class RevisionInFutureError(RegistryError):
    """The revision has not happened yet; metadata has `current_revision`."""

    reason = "REVISION_IN_FUTURE"


class UnauthenticatedError(RegistryError):
    """The caller did not prove who it is."""

    reason = "UNAUTHENTICATED"


class PermissionDeniedError(RegistryError):
    """The caller may not do that."""

    reason = "PERMISSION_DENIED"


class OverloadedError(RegistryError):
    """Refused before any work was done, because there is too much of it."""

    reason = "OVERLOADED"


class UnavailableError(RegistryError):
    """The service cannot be reached or cannot answer at the moment."""

    reason = "UNAVAILABLE"


class DeadlineExceededError(RegistryError):
    """The caller's deadline passed."""

    reason = "DEADLINE_EXCEEDED"


class CanceledError(RegistryError):
    """The caller went away, or the server ended the call on its way down."""

    reason = "CANCELED"


class UnimplementedError(RegistryError):
    """The RPC exists in the contract, but this server does not implement it yet."""

    reason = "UNIMPLEMENTED"


class InternalError(RegistryError):
    """Something broke that nobody expected; the server's log has it."""

    reason = "INTERNAL"


class ProviderError(RegistryError):
    """Somebody behind the gateway failed. `http_status` is None where no answer came."""

    reason = "PROVIDER_ERROR"

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        details: Iterable[Any] = (),
    ) -> None:
        super().__init__(message, metadata=metadata, retry_after=retry_after, details=details)
        self.http_status = http_status


class ProviderRejectedError(ProviderError):
    """The provider refused the request itself; another attempt with the same request is pointless."""

    reason = "PROVIDER_REJECTED"


class ContextLengthError(ProviderRejectedError):
    """The prompt does not fit into the model's context."""

    reason = "CONTEXT_LENGTH_EXCEEDED"


class ContentRefusedError(ProviderRejectedError):
    """The provider's content filter refused the request."""

    reason = "CONTENT_REFUSED"


class ProviderCredentialError(ProviderError):
    """The endpoint's credential is missing, wrong or not allowed to do this."""

    reason = "PROVIDER_CREDENTIAL"


class ProviderModelNotFoundError(ProviderError):
    """The provider does not know the endpoint's upstream model."""

    reason = "PROVIDER_MODEL_NOT_FOUND"


class ProviderRateLimitedError(ProviderError):
    """The provider counts too many requests or tokens, or no quota is left."""

    reason = "PROVIDER_RATE_LIMITED"


class ProviderOverloadedError(ProviderError):
    """The provider sheds load."""

    reason = "PROVIDER_OVERLOADED"


class ProviderFailedError(ProviderError):
    """The provider failed by itself."""

    reason = "PROVIDER_FAILED"


class ProviderConnectionError(ProviderError):
    """No connection to the provider, or it broke before the answer was whole."""

    reason = "PROVIDER_CONNECTION"


class ProviderTimeoutError(ProviderError):
    """A time budget ran out while waiting for the provider."""

    reason = "PROVIDER_TIMEOUT"


class TaskRejectedError(ProviderError):
    """The agent declined the task; another one may take it. Metadata has `task_id` and `context_id` where they are known."""

    reason = "TASK_REJECTED"


class TaskCanceledError(ProviderError):
    """Somebody else cancelled the task at the agent; it is not given to another one. Metadata as of TaskRejectedError."""

    reason = "TASK_CANCELED"


class MalformedAnswerError(ProviderError):
    """The provider's answer could not be understood."""

    reason = "MALFORMED_ANSWER"


class TruncatedAnswerError(MalformedAnswerError):
    """The provider's answer ended before it was whole."""

    reason = "TRUNCATED_ANSWER"


E = TypeVar("E", bound=RegistryError)


def without_frames(error: E) -> E:
    """Return an error without the frames that it came through, for who keeps it.

    They may hold a whole answer, and who keeps the error: only the garbage collector would find the three, and it seldom runs.
    """
    each: BaseException | None = error
    while each is not None:
        each.__traceback__ = None
        each = each.__cause__ or each.__context__
    return error
