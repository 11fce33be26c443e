"""Conversations, and what the dialect of Ollama makes of them."""

import json

from airegistry.dialects.ollama.chat import OllamaChat
from airegistry.invocations.chat import ChatRequest, Role
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Capability
from tests.blocks import turn

HOST = "http://127.0.0.1:11434"
PNG = b"\x89PNG\r\n\x1a\n0000"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def asked(*messages, **fields):
    return ChatRequest(messages=messages or (turn(Role.USER, "Hi"),), **fields)


def at(capabilities=(), **communication):
    return Endpoint(
        address=HOST,
        upstream_model="llama3.2",
        communication=Communication(dialect="ollama.chat", **communication),
        capabilities={name: Capability(supported=True) for name in capabilities},
    )


def encoded(request, endpoint=None, *, stream=False, wire=None):
    return OllamaChat().encode(request, endpoint or at(), stream=stream, wire=wire)


def body(request, endpoint=None, **how):
    return json.loads(encoded(request, endpoint, **how).call.body)


def lost(request, endpoint=None):
    return [warning.path for warning in encoded(request, endpoint).warnings]
