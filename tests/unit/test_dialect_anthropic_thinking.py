"""How much to think, in the words that an endpoint understands."""

import dataclasses

import orjson
import pytest

from airegistry.dialects.anthropic.messages import AnthropicMessages
from airegistry.invocations.chat import ChatRequest, Message, Reasoning, Role, Tool, ToolChoice, ToolChoiceMode
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Capability

NO = Capability(supported=False)
ASKED = ChatRequest((Message(Role.USER, (ContentBlock(text=TextBlock("hi")),)),), max_output_tokens=10_000)
MODERN: dict[str, Capability] = {}
OLD = {"adaptive_thinking": NO}
EFFORT_ONLY = {"thinking_budget": NO}
NEITHER = OLD | EFFORT_ONLY


def encode(request, capabilities=MODERN):
    endpoint = Endpoint(address="https://a", upstream_model="m", capabilities=capabilities)
    encoded = AnthropicMessages().encode(request, endpoint, stream=False)
    return orjson.loads(encoded.call.body), {warning.path for warning in encoded.warnings}


def thinking(capabilities, reasoning, **fields):
    body, warned = encode(dataclasses.replace(ASKED, reasoning=reasoning, **fields), capabilities)
    return body.get("thinking"), body.get("output_config"), warned


@pytest.mark.parametrize(
    ("capabilities", "reasoning", "config", "output", "warned"),
    [
        (MODERN, Reasoning("high"), {"type": "adaptive"}, {"effort": "high"}, set()),
        (MODERN, Reasoning("max"), {"type": "adaptive"}, {"effort": "max"}, set()),
        (MODERN, Reasoning("minimal"), {"type": "adaptive"}, {"effort": "low"}, {"effort"}),
        (MODERN, Reasoning("none"), {"type": "disabled"}, None, set()),
        (MODERN, Reasoning(max_tokens=0), {"type": "disabled"}, None, set()),
        (MODERN, Reasoning(max_tokens=2000), {"type": "enabled", "budget_tokens": 2000}, None, set()),
        (MODERN, Reasoning(max_tokens=5), {"type": "enabled", "budget_tokens": 1024}, None, {"max_tokens"}),
        (MODERN, Reasoning(max_tokens=20_000), {"type": "enabled", "budget_tokens": 9999}, None, {"max_tokens"}),
        (MODERN, Reasoning("low", 2000), {"type": "enabled", "budget_tokens": 2000}, {"effort": "low"}, set()),
        (MODERN, Reasoning(include_thoughts=True), {"type": "adaptive", "display": "summarized"}, None, set()),
        (MODERN, Reasoning(include_thoughts=False), None, None, {"include_thoughts"}),
        (
            MODERN,
            Reasoning("low", include_thoughts=False),
            {"type": "adaptive", "display": "omitted"},
            {"effort": "low"},
            set(),
        ),
        (OLD, Reasoning("medium"), {"type": "enabled", "budget_tokens": 5000}, None, set()),
        (OLD, Reasoning("low", 2000), {"type": "enabled", "budget_tokens": 2000}, None, {"effort"}),
        (OLD, Reasoning(include_thoughts=True), None, None, {"include_thoughts"}),
        (EFFORT_ONLY, Reasoning("low", 2000), {"type": "adaptive"}, {"effort": "low"}, {"max_tokens"}),
        (EFFORT_ONLY, Reasoning(max_tokens=2000), None, None, {"max_tokens"}),
        (NEITHER, Reasoning("low", 2000), None, None, {"effort", "max_tokens"}),
    ],
)
def test_thinking_is_asked_for_as_the_endpoint_takes_it(capabilities, reasoning, config, output, warned):
    assert thinking(capabilities, reasoning) == (config, output, {f"chat.reasoning.{name}" for name in warned})


@pytest.mark.parametrize("reasoning", [Reasoning("high"), Reasoning(max_tokens=2000)], ids=["effort", "budget"])
def test_a_budget_that_leaves_no_room_for_an_answer_is_not_sent(reasoning):
    config, _, warned = thinking(OLD, reasoning, max_output_tokens=1024)
    assert config is None
    assert len(warned) == 1


def test_a_budget_adds_to_a_limit_that_nobody_stated():
    body, _ = encode(dataclasses.replace(ASKED, reasoning=Reasoning(max_tokens=5000), max_output_tokens=None))
    assert body["max_tokens"] == 9096
    assert body["thinking"]["budget_tokens"] == 5000


def test_a_forced_call_leaves_no_room_for_thinking():
    tools = {"tools": (Tool("f"),), "tool_choice": ToolChoice(ToolChoiceMode.REQUIRED)}
    config, output, warned = thinking(MODERN, Reasoning("high"), **tools)
    assert config is None
    assert output == {"effort": "high"}
    assert warned == {"chat.reasoning"}


@pytest.mark.parametrize(
    ("fields", "warned"),
    [
        ({"temperature": 0.2}, {"chat.temperature"}),
        ({"temperature": 1.0}, set()),
        ({"top_k": 3}, {"chat.top_k"}),
        ({"top_p": 0.5}, {"chat.top_p"}),
        ({"top_p": 0.95}, set()),
    ],
)
def test_sampling_that_does_not_go_with_thinking_is_named(fields, warned):
    body, paths = encode(dataclasses.replace(ASKED, reasoning=Reasoning("high"), **fields))
    assert paths == warned
    assert (fields.keys() <= body.keys()) == (not warned)
