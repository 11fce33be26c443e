"""The dialect `openai.chat`: chat completions of OpenAI and of everybody who followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from airegistry.dialects.calls import json_bytes, post
from airegistry.dialects.errors import error_of
from airegistry.dialects.exchange import Answer, Encoded, Input, StreamDecoder
from airegistry.dialects.openai.encode import OURS, chat_body, chat_head
from airegistry.dialects.openai.stream import chat_stream, items_of
from airegistry.dialects.openai.usual import usual_answer
from airegistry.dialects.openai.variants import variant_of
from airegistry.dialects.relaying import relayed
from airegistry.errors import ProviderError, UnsupportedFieldError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.endpoint import Endpoint

_SUCCESS: Final = range(200, 300)


class OpenAIChat:
    """Chat completions. The path below an endpoint's address is `/chat/completions` unless it declares another."""

    name: Final = "openai.chat"

    def speaks(self, request: Input) -> bool:
        """Whether the request is a conversation."""
        return isinstance(request, ChatRequest)

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> Encoded:
        """Write the request. What differs from server to server is declared by the endpoint (see `variants`)."""
        chat, model, variant = _chat(request), endpoint.upstream_model, variant_of(endpoint)
        warnings: list[FieldWarning] = []
        if wire is None:
            content, warnings = chat_body(chat, model, variant, stream=stream)
            body = json_bytes(content)
        else:
            body = relayed(wire, OURS, chat_head(chat, model, variant, stream=stream))
        accept = "text/event-stream" if stream else "application/json"
        return Encoded(post(endpoint, "/chat/completions", body, accept=accept), tuple(warnings))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read a whole answer."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        chat = _chat(request)
        if (usual := usual_answer(body)) is not None:
            return usual
        items = items_of(body, chat)
        response, usage = assemble(items)
        return Answer(response, usage, tuple(item for item in items if isinstance(item, FieldWarning)))

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:
        """Return the reader of one streamed answer."""
        return chat_stream(_chat(request), relay=relay)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status and its body mean."""
        return error_of(status, headers, body)


def _chat(request: Input) -> ChatRequest:
    if isinstance(request, ChatRequest):
        return request
    raise UnsupportedFieldError(f"dialect openai.chat cannot express a {type(request).__name__}")
