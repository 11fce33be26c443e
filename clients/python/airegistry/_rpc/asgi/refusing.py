"""What gRPC itself refuses, in the words of its own core: no handler had a say, so that no ErrorInfo goes with it."""

from __future__ import annotations

from grpc import StatusCode


class ProtocolError(Exception):
    """A call that is no proper call. `code` and `message` are its status."""

    def __init__(self, code: StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def internal(message: str) -> ProtocolError:
    """Return the refusal of bytes that are no gRPC."""
    return ProtocolError(StatusCode.INTERNAL, message)


def too_large(size: object, limit: int) -> ProtocolError:
    """Return the refusal of a message of *size* bytes, or of what is said of its size."""
    message = f"SERVER: Received message larger than max ({size} vs. {limit})"
    return ProtocolError(StatusCode.RESOURCE_EXHAUSTED, message)


def wrong_number(count: str) -> ProtocolError:
    """Return the refusal of a request that is no single message, where one was to come."""
    return ProtocolError(StatusCode.UNIMPLEMENTED, f"{count} request messages where exactly one is expected")


def expired() -> ProtocolError:
    """Return the end of a call whose deadline is over."""
    return ProtocolError(StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
