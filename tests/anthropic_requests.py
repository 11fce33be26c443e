"""Canonical conversations, and what the dialect of Anthropic makes of them: a body, warnings, a refusal."""

import base64
import dataclasses

import orjson
import pytest

from airegistry.dialects.anthropic.messages import AnthropicMessages
from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Capability
from tests.blocks import text

ENDPOINT = Endpoint(address="https://api.example", upstream_model="m-1")
YES, NO = Capability(supported=True), Capability(supported=False)
PNG = base64.b64encode(b"png").decode()


def user(*blocks):
    return Message(Role.USER, blocks)


def said(*blocks):
    return Message(Role.ASSISTANT, blocks)


def knowing(**capabilities):
    return dataclasses.replace(ENDPOINT, capabilities=capabilities)


HI = ChatRequest((user(text("hi")),), max_output_tokens=100)


def encode(request, endpoint=ENDPOINT, *, stream=False):
    encoded = AnthropicMessages().encode(request, endpoint, stream=stream)
    return orjson.loads(encoded.call.body), {warning.path for warning in encoded.warnings}


def turns_of(*messages, endpoint=ENDPOINT):
    body, warned = encode(dataclasses.replace(HI, messages=messages), endpoint)
    return body["messages"], warned


def refused_at(request, endpoint=ENDPOINT):
    with pytest.raises(UnsupportedFieldError) as raised:
        encode(request, endpoint)
    (violation,) = raised.value.violations
    return violation.field
