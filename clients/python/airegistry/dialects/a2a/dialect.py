"""The dialect `a2a`: agents that speak the Agent2Agent protocol, version 1, by gRPC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from airegistry.dialects.a2a.events import TaskEvents
from airegistry.dialects.a2a.requests import chat_message, task_message, wants_json
from airegistry.dialects.a2a.voices import EXTENSION, ChatVoice, TaskVoice
from airegistry.dialects.errors import error_of
from airegistry.dialects.events.ndjson import LineDecoder
from airegistry.dialects.events.streams import EventStream
from airegistry.dialects.exchange import Answer, GrpcCall, GrpcEncoded, Input, StreamDecoder
from airegistry.errors import ProviderError, ProviderRejectedError, UnsupportedFieldError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.kinds import AgentTaskRequest, AgentTaskResponse
from airegistry.invocations.tasks import assemble_task
from airegistry.resources.endpoint import Communication, Endpoint

VERSION: Final = "1.0"
STREAMING: Final = "streaming"
"""The capability of an endpoint that says that the agent streams."""

_GRPC: Final = ("grpc://", "grpcs://")
_SUCCESS: Final = range(200, 300)
_NOTHING: Final = Communication()
_LARGEST: Final = 48 * 1024 * 1024
"""Bytes at most of one event: base64 makes four of three, and the transport takes 32 MiB."""
_REFUSALS: Final = frozenset(
    {
        "TASK_NOT_FOUND",
        "TASK_NOT_CANCELABLE",
        "UNSUPPORTED_OPERATION",
        "CONTENT_TYPE_NOT_SUPPORTED",
        "EXTENSION_SUPPORT_REQUIRED",
        "INVALID_PARAMS",
        "INVALID_REQUEST",
    }
)
"""The protocol's reasons for an error that the same request would meet again."""


class A2A:
    """Conversations and tasks. Who streams is asked for a stream even when the caller wants a whole answer.

    Only so is the task's id known before it has ended, and can it be cancelled with its caller.
    """

    name: Final = "a2a"
    extensions: Final = frozenset({EXTENSION})

    def speaks(self, request: Input) -> bool:
        """Whether the request is a conversation or a task."""
        return isinstance(request, ChatRequest | AgentTaskRequest)

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> GrpcEncoded:  # noqa: ARG002 - no front speaks this format, and who streams is the agent's to say
        """Write the request."""
        if not endpoint.address.startswith(_GRPC):
            raise UnsupportedFieldError("dialect a2a is spoken with addresses of grpc:// and grpcs:// only")
        communication = endpoint.communication or _NOTHING
        tenant = communication.path.strip("/")
        if isinstance(request, ChatRequest):
            message, warnings = chat_message(request, tenant)
        elif isinstance(request, AgentTaskRequest):
            message, warnings = task_message(request, tenant)
        else:
            raise UnsupportedFieldError(f"dialect a2a cannot express a {type(request).__name__}")
        headers = {"a2a-version": VERSION, **communication.headers}
        call = GrpcCall(endpoint.address, message, headers, stream=_streams(endpoint))
        return GrpcEncoded(call, tuple(warnings))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read a whole answer, which may have come as a stream."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        decoder = self.decoder(request)
        items = [*decoder.feed(body), *decoder.close()]
        if isinstance(request, AgentTaskRequest):
            return Answer(assemble_task(item for item in items if isinstance(item, AgentTaskResponse)))
        response, usage = assemble(items)
        return Answer(response, usage)

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:  # noqa: ARG002 - as above
        """Return the reader of one answer."""
        task = isinstance(request, AgentTaskRequest)
        json = isinstance(request, ChatRequest) and wants_json(request)
        return EventStream(LineDecoder(_LARGEST), TaskEvents(TaskVoice() if task else ChatVoice(data_as_text=json)))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status means; the transport gives it in HTTP's terms."""
        error = error_of(status, headers, body)
        if error.metadata.get("code") not in _REFUSALS or isinstance(error, ProviderRejectedError):
            return error
        return ProviderRejectedError(error.message, http_status=error.http_status, metadata=error.metadata)


def _streams(endpoint: Endpoint) -> bool:
    capability = endpoint.capabilities.get(STREAMING)
    return capability is not None and bool(capability.supported)
