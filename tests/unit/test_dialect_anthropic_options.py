"""The options of a canonical conversation as Anthropic's JSON: every field is mapped, named in a warning, or refused."""

import dataclasses
from typing import Any

import pytest

from airegistry.dialects.anthropic.messages import AnthropicMessages
from airegistry.dialects.base import CountsTokens, Dialect
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, Message, Role, Tool, ToolChoice, ToolChoiceMode
from airegistry.invocations.embeddings import EmbeddingsRequest
from airegistry.resources.endpoint import Communication
from airegistry.resources.model import ModelLimits
from tests.anthropic_requests import ENDPOINT, HI, NO, encode, knowing, refused_at, user
from tests.blocks import text


def test_it_is_a_dialect_that_counts():
    assert isinstance(AnthropicMessages(), Dialect)
    assert isinstance(AnthropicMessages(), CountsTokens)


def test_the_call_goes_below_the_address_with_the_version_of_the_format():
    call_ = AnthropicMessages().encode(HI, ENDPOINT, stream=True).call
    assert (call_.method, call_.url) == ("POST", "https://api.example/v1/messages")
    assert call_.headers == {
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
        "accept": "text/event-stream",
    }


def test_an_endpoint_may_say_another_version_path_and_betas():
    communication = Communication(path="/anthropic", headers={"anthropic-version": "2027-01-01", "anthropic-beta": "b"})
    call_ = (
        AnthropicMessages().encode(HI, dataclasses.replace(ENDPOINT, communication=communication), stream=False).call
    )
    assert call_.url == "https://api.example/anthropic"
    assert call_.headers["anthropic-version"] == "2027-01-01"
    assert call_.headers["anthropic-beta"] == "b"


def test_only_conversations_are_spoken():
    assert not AnthropicMessages().speaks(EmbeddingsRequest())
    with pytest.raises(UnsupportedFieldError):
        AnthropicMessages().encode(EmbeddingsRequest(), ENDPOINT, stream=False)


def test_every_option_is_mapped():
    request = ChatRequest(
        messages=(Message(Role.SYSTEM, (text("Be brief."),)), user(text("hi"))),
        max_output_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        stop_sequences=("a", "b"),
        tools=(Tool("f", "does f", {"properties": {}}, strict=True), Tool("g", cache_control="1h")),
        tool_choice=ToolChoice(ToolChoiceMode.NAMED, "f"),
        parallel_tool_calls=False,
        user="u",
        extra={"service_tier": "auto", "container": "c"},
    )
    body, warned = encode(request, stream=True)
    assert not warned
    assert body == {
        "model": "m-1",
        "max_tokens": 9,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [
            {
                "name": "f",
                "description": "does f",
                "input_schema": {"type": "object", "properties": {}},
                "strict": True,
            },
            {
                "name": "g",
                "input_schema": {"type": "object", "properties": {}},
                "cache_control": {"type": "ephemeral", "ttl": "1h"},
            },
        ],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 3,
        "stop_sequences": ["a", "b"],
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "container": "c",
        "stream": True,
    }


def test_what_has_no_field_is_named():
    fields: dict[str, Any] = {"seed": 1, "presence_penalty": 0.5, "frequency_penalty": 0.5, "top_logprobs": 2}
    body, warned = encode(dataclasses.replace(HI, **fields))
    assert warned == {f"chat.{name}" for name in fields}
    assert body.keys() == {"model", "max_tokens", "messages"}


@pytest.mark.parametrize(
    ("fields", "endpoint", "path"),
    [
        ({"choice_count": 2}, ENDPOINT, "chat.choice_count"),
        ({"output_modalities": ("text", "audio")}, ENDPOINT, "chat.output_modalities"),
        ({"stop_sequences": ("x", "\n")}, ENDPOINT, "chat.stop_sequences[1]"),
        (
            {"stop_sequences": ("x", "y")},
            dataclasses.replace(ENDPOINT, limits=ModelLimits(max_stop_sequences=1)),
            "chat.stop_sequences",
        ),
    ],
    ids=["several-answers", "sound", "stop-at-space", "too-many-stops"],
)
def test_what_cannot_be_said_is_refused(fields, endpoint, path):
    assert refused_at(dataclasses.replace(HI, **fields), endpoint) == path


@pytest.mark.parametrize("name", ["model", "max_tokens", "system", "tools"])
def test_extra_repeats_no_field_of_the_request(name):
    with pytest.raises(InvalidArgumentError):
        encode(dataclasses.replace(HI, extra={name: 1}))


def test_a_missing_limit_is_the_endpoints_own():
    endpoint = dataclasses.replace(ENDPOINT, limits=ModelLimits(max_output_tokens=8192))
    assert encode(dataclasses.replace(HI, max_output_tokens=None), endpoint)[0]["max_tokens"] == 8192


def test_a_limit_that_nobody_states_is_a_default_and_said_so():
    body, warned = encode(dataclasses.replace(HI, max_output_tokens=None))
    assert body["max_tokens"] == 4096
    assert warned == {"chat.max_output_tokens"}


@pytest.mark.parametrize(
    ("capabilities", "sent", "warned"),
    [
        ({}, {"temperature": 1, "top_p": 0.9, "top_k": 3}, {"chat.temperature"}),
        ({"temperature_with_top_p": NO}, {"temperature": 1, "top_k": 3}, {"chat.temperature", "chat.top_p"}),
        ({"sampling_parameters": NO}, {}, {"chat.temperature", "chat.top_p", "chat.top_k"}),
    ],
    ids=["unsaid", "one-of-them", "none"],
)
def test_sampling_follows_what_the_endpoint_takes(capabilities, sent, warned):
    body, paths = encode(dataclasses.replace(HI, temperature=1.5, top_p=0.9, top_k=3), knowing(**capabilities))
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == sent
    assert paths == warned
