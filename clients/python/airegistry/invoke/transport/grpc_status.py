"""How a gRPC call ended: what the server said, in HTTP's terms, or what became of the connection, in ours."""

from __future__ import annotations

from typing import Any

import grpc
import orjson
from grpc import aio

from airegistry._broken import broke, never_stood
from airegistry._status import http_status, reason_of
from airegistry.errors import MalformedAnswerError, ProviderConnectionError, ProviderError, ProviderTimeoutError
from airegistry.routing.error_classes import RESET


async def outcome(running: Any) -> aio.AioRpcError:
    """Return the status of a call that has ended, as an error."""
    return aio.AioRpcError(
        await running.code(),
        await running.initial_metadata(),
        await running.trailing_metadata(),
        await running.details(),
        "",
    )


def refusal(error: aio.AioRpcError) -> bytes:
    """Return what the server said as the body of an error."""
    code, message, reason = error.code().name, error.details() or "", reason_of(error)
    said = {"message": message, "type": code.lower(), "status": http_status(error.code())}
    return orjson.dumps({"error": {**said, "code": reason} if reason else said})


def broken(error: aio.AioRpcError, *, begun: bool = False) -> ProviderError | None:
    """Return what a status means that gRPC made here; None for one that the server sent.

    Only the text tells them apart. It is searched and never shown: it holds addresses of this network.
    """
    details = error.details() or ""
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
        return MalformedAnswerError("a message of the answer is larger than is taken")
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and "Deadline Exceeded" in details:
        return ProviderTimeoutError("no answer within the time allowed")
    if error.code() is not grpc.StatusCode.UNAVAILABLE:
        return None
    if (why := never_stood(details)) is not None:
        return ProviderConnectionError(f"cannot connect{why}")
    if broke(details):
        where = "in the middle of the answer" if begun else "before the answer"
        return ProviderConnectionError(f"the connection broke {where}", metadata={"connection": RESET})
    return None


def headers_of(metadata: Any) -> dict[str, str]:
    """Return metadata as headers; a pause that the server asks for under the name that HTTP has for it."""
    headers = {key: value for key, value in metadata or () if isinstance(value, str)}
    if (pushback := headers.get("grpc-retry-pushback-ms")) is not None:
        headers.setdefault("retry-after-ms", pushback)
    return headers
