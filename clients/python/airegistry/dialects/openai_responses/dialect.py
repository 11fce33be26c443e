"""The dialect `openai.responses`: OpenAI's Responses API, asked to keep nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from airegistry.dialects.calls import json_bytes, post
from airegistry.dialects.errors import error_of
from airegistry.dialects.exchange import Answer, Encoded, Input, StreamDecoder
from airegistry.dialects.openai.variants import variant_of
from airegistry.dialects.openai_responses.request import responses_body
from airegistry.dialects.openai_responses.stream import items_of, responses_stream
from airegistry.dialects.openai_responses.wire import relayed_request
from airegistry.errors import ProviderError, UnsupportedFieldError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.endpoint import Endpoint

_SUCCESS: Final = range(200, 300)


class OpenAIResponses:
    """Responses. The path below an endpoint's address is `/responses` unless it declares another."""

    name: Final = "openai.responses"

    def speaks(self, request: Input) -> bool:
        """Whether the request is a conversation."""
        return isinstance(request, ChatRequest)

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> Encoded:
        """Write the request; the whole conversation is in it, since the provider is asked to store none."""
        chat, model = _chat(request), endpoint.upstream_model
        warnings: list[FieldWarning] = []
        if wire is None:
            content, warnings = responses_body(chat, model, variant_of(endpoint), stream=stream)
            body = json_bytes(content)
        else:
            body = relayed_request(wire, chat, model, stream=stream)
        accept = "text/event-stream" if stream else "application/json"
        return Encoded(post(endpoint, "/responses", body, accept=accept), tuple(warnings))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:  # noqa: ARG002
        """Read a whole answer, which says all that is needed of its request."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        items = items_of(body)
        response, usage = assemble(items)
        return Answer(response, usage, tuple(item for item in items if isinstance(item, FieldWarning)))

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:
        """Return the reader of one streamed answer."""
        _chat(request)
        return responses_stream(relay=relay)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status and its body mean."""
        return error_of(status, headers, body)


def _chat(request: Input) -> ChatRequest:
    if isinstance(request, ChatRequest):
        return request
    raise UnsupportedFieldError(f"dialect openai.responses cannot express a {type(request).__name__}")
