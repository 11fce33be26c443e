"""Conversations, and what the dialect of the Responses API makes of them."""

import orjson

from airegistry.dialects.openai_responses.dialect import OpenAIResponses
from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Capability

ENDPOINT = Endpoint(address="https://a/v1", upstream_model="gpt-6")
OPEN_THOUGHTS = Endpoint(address="https://a/v1", capabilities={"reasoning_content": Capability(supported=True)})
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def text(words, *annotations):
    return ContentBlock(text=TextBlock(words, annotations))


def said(*blocks, role=Role.USER, **facts):
    return Message(role, tuple(text(b) if isinstance(b, str) else b for b in blocks), **facts)


HELLO = said("Hello")


def encode(request, endpoint=ENDPOINT, *, stream=False, wire=None):
    encoded = OpenAIResponses().encode(request, endpoint, stream=stream, wire=wire)
    return orjson.loads(encoded.call.body), [warning.path for warning in encoded.warnings], encoded.call


def items(*messages, endpoint=ENDPOINT):
    body, warnings, _ = encode(ChatRequest(messages=messages), endpoint)
    return body["input"], warnings


FLAT = {"type": "url_citation", "url": "https://b", "title": "B", "start_index": 0, "end_index": 1}
