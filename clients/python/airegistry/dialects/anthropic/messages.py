"""The dialect `anthropic.messages`: the Messages API of Anthropic and of the servers that follow it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from airegistry.dialects import reading
from airegistry.dialects.anthropic.encode import BodyWriter
from airegistry.dialects.anthropic.own_words import HEAD, passed_on
from airegistry.dialects.anthropic.stream import items_of, message_stream
from airegistry.dialects.anthropic.thoughts import without_unfit
from airegistry.dialects.anthropic.tools import answer_tool_name, wants_json
from airegistry.dialects.anthropic.variants import Variant, variant_of
from airegistry.dialects.calls import json_bytes, post
from airegistry.dialects.errors import error_of
from airegistry.dialects.exchange import Answer, Encoded, HttpCall, Input, StreamDecoder
from airegistry.dialects.relaying import relayed
from airegistry.errors import MalformedAnswerError, ProviderError, UnsupportedFieldError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.endpoint import Endpoint

_PATH: Final = "/v1/messages"
_HEADERS: Final = {"anthropic-version": "2023-06-01"}
_SUCCESS: Final = range(200, 300)


class AnthropicMessages:
    """Messages. The path below an endpoint's address is `/v1/messages` unless it declares another.

    `anthropic-version` is sent unless the endpoint's headers say another; `anthropic-beta` comes from those headers, and from
    callers of this very format.
    """

    name: Final = "anthropic.messages"

    def speaks(self, request: Input) -> bool:
        """Whether the request is a conversation."""
        return isinstance(request, ChatRequest)

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> Encoded:
        """Write the request. What differs from server to server is declared by the endpoint (see `variants`)."""
        writer = BodyWriter(_chat(request), endpoint)
        if wire is None:
            body = json_bytes(writer.write(stream=stream))
        else:
            wire = _acceptable(wire, writer, _chat(request), variant_of(endpoint))
            body = passed_on(wire, writer.write_head(stream=stream), _chat(request), variant_of(endpoint))
        accept = "text/event-stream" if stream else "application/json"
        return Encoded(_post(endpoint, _PATH, body, accept), tuple(writer.warnings))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read a whole answer."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        items = items_of(body, _answer_tool(request))
        response, usage = assemble(items)
        return Answer(response, usage, tuple(item for item in items if isinstance(item, FieldWarning)))

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:
        """Return the reader of one streamed answer."""
        return message_stream("" if relay else _answer_tool(request), relay=relay)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status and its body mean."""
        return error_of(status, headers, body)

    def encode_count(self, request: Input, endpoint: Endpoint, *, wire: bytes | None = None) -> Encoded | None:
        """Write the request that counts the tokens of *request*; None where the endpoint declares that it counts none."""
        if not variant_of(endpoint).count_tokens:
            return None
        writer = BodyWriter(_chat(request), endpoint)
        if wire is None:
            body = json_bytes(writer.write_for_counting())
        else:
            wire = _acceptable(wire, writer, _chat(request), variant_of(endpoint))
            body = relayed(wire, HEAD, {"model": endpoint.upstream_model})
        call = _post(endpoint, _PATH, body, "application/json")
        head, mark, query = call.url.partition("?")
        call = HttpCall(call.method, f"{head}/count_tokens{mark}{query}", call.headers, call.body)
        return Encoded(call, tuple(writer.warnings))

    def decode_count(self, status: int, headers: Mapping[str, str], body: bytes) -> int:
        """Read how many tokens were counted."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        answer = reading.mapping(reading.json_of(body, "the answer"), "the answer")
        count = reading.count(answer, "input_tokens", "answer")
        if count is None:
            raise MalformedAnswerError("the answer has no input_tokens")
        return count


def _post(endpoint: Endpoint, path: str, body: bytes, accept: str) -> HttpCall:
    return post(endpoint, path, body, accept=accept, headers=_HEADERS)


def _acceptable(wire: bytes, writer: BodyWriter, request: ChatRequest, variant: Variant) -> bytes:
    wire, lost = without_unfit(wire, request, variant)
    writer.warnings.extend(lost)
    return wire


def _answer_tool(request: Input) -> str:
    chat = _chat(request)
    return answer_tool_name(chat) if wants_json(chat) else ""


def _chat(request: Input) -> ChatRequest:
    if isinstance(request, ChatRequest):
        return request
    raise UnsupportedFieldError(f"dialect anthropic.messages cannot express a {type(request).__name__}")
