"""The dialect `ollama.chat`: conversations in Ollama's own format, and prompts that its callers send as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from airegistry.dialects.calls import json_bytes, post
from airegistry.dialects.errors import error_of
from airegistry.dialects.events.ndjson import LineDecoder
from airegistry.dialects.events.streams import EventStream
from airegistry.dialects.exchange import Answer, Encoded, Input, StreamDecoder
from airegistry.dialects.ollama.answers import Lines, items_of
from airegistry.dialects.ollama.encode import chat_body
from airegistry.dialects.ollama.relays import CHAT_PATH, OwnWords, at_generate, generates, relayed_chat, relayed_words
from airegistry.errors import ProviderError, UnsupportedFieldError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.kinds import RawResponse
from airegistry.resources.endpoint import Endpoint

_SUCCESS: Final = range(200, 300)


class OllamaChat:
    """Conversations. The path below an endpoint's address is `/api/chat` unless it declares another.

    What of `/api/generate` has no canonical form (`raw`, `suffix`, `template`, `context`) comes as OwnWords.
    """

    name: Final = "ollama.chat"

    def speaks(self, request: Input) -> bool:
        """Whether the request is a conversation, or words of this very format."""
        return isinstance(request, ChatRequest | OwnWords)

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> Encoded:
        """Write the request."""
        warnings: list[FieldWarning] = []
        if isinstance(request, OwnWords):
            wire = request.body
            body = relayed_words(wire, endpoint, stream=stream)
        elif wire is not None:
            body = relayed_chat(wire, _chat(request), endpoint, stream=stream)
        else:
            content, warnings = chat_body(_chat(request), endpoint, stream=stream)
            body = json_bytes(content)
        if wire is not None and generates(wire):
            endpoint = at_generate(endpoint)
        accept = "application/x-ndjson" if stream else "application/json"
        return Encoded(post(endpoint, CHAT_PATH, body, accept=accept), tuple(warnings))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read a whole answer."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        raw = isinstance(request, OwnWords)
        items = items_of(body, ChatRequest() if raw else _chat(request))
        response, usage = assemble(items)
        if raw:
            return Answer(RawResponse(status, headers.get("content-type", ""), body), usage)
        return Answer(response, usage, tuple(item for item in items if isinstance(item, FieldWarning)))

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:
        """Return the reader of one streamed answer."""
        if isinstance(request, OwnWords):
            return EventStream(LineDecoder(), Lines(ChatRequest()), relay=True)
        return EventStream(LineDecoder(), Lines(_chat(request)), relay=relay)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status and its body mean."""
        return error_of(status, headers, body)


def _chat(request: Input) -> ChatRequest:
    if isinstance(request, ChatRequest):
        return request
    raise UnsupportedFieldError(f"dialect ollama.chat cannot express a {type(request).__name__}")
