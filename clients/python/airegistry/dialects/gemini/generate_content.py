"""The dialect `gemini.generate_content`: Google's own format, of the Gemini API and of Vertex AI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from airegistry.dialects.calls import json_bytes, post
from airegistry.dialects.errors import error_of
from airegistry.dialects.events.sse import SSEDecoder
from airegistry.dialects.events.streams import EventStream
from airegistry.dialects.exchange import Answer, Encoded, HttpCall, Input, StreamDecoder
from airegistry.dialects.gemini.encode import content_body, wire_body
from airegistry.dialects.gemini.events import GeminiEvents, items_of
from airegistry.errors import ProviderError, UnsupportedFieldError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.endpoint import Communication, Endpoint

_SUCCESS: Final = range(200, 300)


class GeminiGenerateContent:
    """Generated content. Below an endpoint's address it is `/models/{model}:generateContent`, or `:streamGenerateContent`.

    An endpoint that declares a path names the model's resource with it (Vertex AI: `/publishers/google/models/…`); the
    method is added to it.
    """

    name: Final = "gemini.generate_content"

    def speaks(self, request: Input) -> bool:
        """Whether the request is a conversation."""
        return isinstance(request, ChatRequest)

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> Encoded:
        """Write the request. Whether a model knows a thinking level or a budget is declared by the endpoint."""
        chat = _chat(request)
        if wire is not None:
            return Encoded(_call(endpoint, wire_body(wire, chat, endpoint), stream=stream))
        content, warnings = content_body(chat, endpoint)
        return Encoded(_call(endpoint, json_bytes(content), stream=stream), tuple(warnings))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read a whole answer."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        items = items_of(body, _chat(request))
        response, usage = assemble(items)
        return Answer(response, usage, tuple(item for item in items if isinstance(item, FieldWarning)))

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:
        """Return the reader of one streamed answer."""
        chat = _chat(request)
        return EventStream(SSEDecoder(), GeminiEvents(chat), plain=lambda body: items_of(body, chat), relay=relay)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status and its body mean."""
        return error_of(status, headers, body)


def _call(endpoint: Endpoint, body: bytes, *, stream: bool) -> HttpCall:
    communication = endpoint.communication or Communication()
    model = endpoint.upstream_model
    resource = communication.path or (f"/{model}" if "/" in model else f"/models/{model}")
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    named = replace(endpoint, communication=replace(communication, path=f"{resource}:{method}"))
    return post(named, "", body, accept="text/event-stream" if stream else "application/json")


def _chat(request: Input) -> ChatRequest:
    if isinstance(request, ChatRequest):
        return request
    raise UnsupportedFieldError(f"dialect gemini.generate_content cannot express a {type(request).__name__}")
