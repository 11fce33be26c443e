"""A tool is called, answers, and the conversation goes on: whole turns through each SDK, as its users write them."""

import json
from typing import Any

import pytest

from tests.e2e.real_models.asking import TOOL_DESCRIPTION, TOOL_NAME
from tests.e2e.real_models.scene import DIALECTS

PARAMETERS = {"type": "object", "properties": {"word": {"enum": ["yield"]}}, "required": ["word"]}
QUESTION = "Call look_up."
RESULT = "A yield expression is used when defining a generator function. " * 8

pytestmark = pytest.mark.parametrize("dialect", DIALECTS)


async def test_openai_chat_goes_on_after_a_tool(real, dialect):
    function = {"name": TOOL_NAME, "description": TOOL_DESCRIPTION, "parameters": PARAMETERS}
    messages: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}]
    asked: Any = {"model": dialect, "temperature": 0, "max_completion_tokens": 200}
    first = await real.openai.chat.completions.create(
        **asked,
        messages=messages,
        tools=[{"type": "function", "function": function}],
        tool_choice="required",
        parallel_tool_calls=False,
    )
    call = first.choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"word": "yield"}
    messages += [
        first.choices[0].message.to_dict(),
        {"role": "tool", "tool_call_id": call.id, "content": RESULT},
    ]
    second = await real.openai.chat.completions.create(**asked, messages=messages)
    assert second.choices[0].message.content
    assert second.usage.prompt_tokens > first.usage.prompt_tokens + 100


async def test_anthropic_goes_on_after_a_tool(real, dialect):
    tool = {"name": TOOL_NAME, "description": TOOL_DESCRIPTION, "input_schema": PARAMETERS}
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    asked: Any = {"model": dialect, "max_tokens": 200, "system": "Be brief.", "extra_body": {"temperature": 0}}
    choice = {"type": "any", "disable_parallel_tool_use": True}
    first = await real.anthropic.messages.create(**asked, messages=messages, tools=[tool], tool_choice=choice)
    call = next(block for block in first.content if block.type == "tool_use")
    assert call.input == {"word": "yield"}
    messages += [
        {"role": "assistant", "content": [block.to_dict() for block in first.content]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": RESULT}]},
    ]
    second = await real.anthropic.messages.create(**asked, messages=messages)
    assert second.content[0].text
    assert second.usage.input_tokens > first.usage.input_tokens + 100


async def test_ollama_goes_on_after_a_tool(real, dialect):
    function = {"name": TOOL_NAME, "description": TOOL_DESCRIPTION, "parameters": PARAMETERS}
    messages: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}]
    asked: Any = {"model": dialect, "options": {"temperature": 0, "num_predict": 200}}
    first = await real.ollama.chat(**asked, messages=messages, tools=[{"type": "function", "function": function}])
    call = first.message.tool_calls[0]
    assert call.function.arguments == {"word": "yield"}
    messages += [first.message, {"role": "tool", "tool_name": call.function.name, "content": RESULT}]
    second = await real.ollama.chat(**asked, messages=messages)
    assert second.message.content
    assert second.prompt_eval_count > first.prompt_eval_count + 100
