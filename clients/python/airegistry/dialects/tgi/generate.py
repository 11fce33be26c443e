"""The dialect `tgi.generate`: one prompt, one text, at Text Generation Inference's `/generate` and `/generate_stream`.

Conversations with tools and images go to the same servers by `openai.chat`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.calls import json_bytes, post
from airegistry.dialects.errors import error_of
from airegistry.dialects.events.sse import SSEDecoder
from airegistry.dialects.events.streams import EventStream
from airegistry.dialects.exchange import Answer, Encoded, Input, StreamDecoder
from airegistry.dialects.tgi.answers import Tokens, items_of
from airegistry.dialects.tgi.parameters import parameters_of
from airegistry.dialects.tgi.prompts import prompt_of
from airegistry.errors import MalformedAnswerError, ProviderError, UnsupportedFieldError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.usage import Usage
from airegistry.resources.endpoint import Communication, Endpoint

_SUCCESS: Final = range(200, 300)
_PATH: Final = "/generate"


class TGIGenerate:
    """Prompts. The path below an endpoint's address is `/generate`, and `/generate_stream` for streams.

    A declared path that does not end in `/generate` is asked for both, as the route `/` understands it.
    """

    name: Final = "tgi.generate"

    def speaks(self, request: Input) -> bool:
        """Whether the request is a conversation; what of it makes no prompt is refused when it is written."""
        return isinstance(request, ChatRequest)

    def encode(
        self,
        request: Input,
        endpoint: Endpoint,
        *,
        stream: bool,
        wire: bytes | None = None,  # noqa: ARG002 - no front speaks this format
    ) -> Encoded:
        """Write the request."""
        chat = _chat(request)
        parameters, warnings = parameters_of(chat)
        body: dict[str, Any] = {"inputs": prompt_of(chat, endpoint, stream=stream), "parameters": parameters}
        endpoint = _at(endpoint, body, stream=stream)
        accept = "text/event-stream" if stream else "application/json"
        return Encoded(post(endpoint, _PATH, json_bytes(body), accept=accept), tuple(warnings))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read a whole answer."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        items = items_of(body, _chat(request))
        response, usage = assemble(items)
        return Answer(
            response,
            _counted(usage, headers),
            tuple(item for item in items if isinstance(item, FieldWarning)),
        )

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:
        """Return the reader of one streamed answer."""
        chat = _chat(request)
        return EventStream(SSEDecoder(), Tokens(chat), plain=lambda body: items_of(body, chat), relay=relay)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status and its body mean."""
        return error_of(status, headers, body)


def _chat(request: Input) -> ChatRequest:
    if isinstance(request, ChatRequest):
        return request
    raise UnsupportedFieldError(f"dialect tgi.generate cannot express a {type(request).__name__}")


def _at(endpoint: Endpoint, body: dict[str, Any], *, stream: bool) -> Endpoint:
    """Return the endpoint with the path for how the answer is to come; a path for both is told in the body."""
    communication = endpoint.communication or Communication()
    path = communication.path or _PATH
    if not path.endswith(_PATH):
        body["stream"] = stream
    elif stream:
        path = f"{path}_stream"
    return replace(endpoint, communication=replace(communication, path=path))


def _counted(usage: Usage | None, headers: Mapping[str, str]) -> Usage | None:
    """Add the prompt's count, which stands in a header of a whole answer."""
    said = headers.get("x-prompt-tokens", "").strip()
    if not said.isdecimal() or (usage is not None and usage.input_tokens is not None):
        return usage
    try:
        count = reading.count({"x-prompt-tokens": int(said[:20])}, "x-prompt-tokens", "headers")
    except MalformedAnswerError:
        return usage
    return replace(usage or Usage(), input_tokens=count)
