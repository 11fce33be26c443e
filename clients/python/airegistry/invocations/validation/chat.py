"""The rules for conversations."""

from __future__ import annotations

import re
from typing import Final

from airegistry.errors import FieldViolation
from airegistry.invocations.chat import (
    ChatRequest,
    Message,
    Reasoning,
    ResponseFormat,
    ResponseFormatKind,
    Role,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from airegistry.invocations.validation.content import check_block, check_cache_control
from airegistry.resources.validation.rules import MAX_INT32, Violations, each, number, required, whole

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""How hard to think, in ascending order."""

_TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def check_chat(chat: ChatRequest, path: str) -> Violations:
    """Yield what is wrong with a conversation."""
    yield from each(chat.messages, f"{path}.messages", _check_message, least=1)
    yield from _check_sampling(chat, path)
    yield from each(chat.stop_sequences, f"{path}.stop_sequences", required, most=16)
    yield from each(chat.tools, f"{path}.tools", _check_tool, most=1024)
    yield from _check_tool_names(chat, path)
    yield from each(chat.output_modalities, f"{path}.output_modalities", required)
    if chat.response_format is not None:
        yield from _check_response_format(chat.response_format, f"{path}.response_format")
    if chat.reasoning is not None:
        yield from _check_reasoning(chat.reasoning, f"{path}.reasoning")


def _check_sampling(chat: ChatRequest, path: str) -> Violations:
    yield from whole(chat.max_output_tokens, f"{path}.max_output_tokens", low=1, high=MAX_INT32)
    yield from number(chat.temperature, f"{path}.temperature", low=0, high=2)
    yield from number(chat.top_p, f"{path}.top_p", low=0, high=1)
    yield from whole(chat.top_k, f"{path}.top_k", low=1, high=MAX_INT32)
    yield from whole(chat.seed, f"{path}.seed", low=-(2**63))
    yield from whole(chat.choice_count, f"{path}.choice_count", low=1, high=16)
    yield from number(chat.presence_penalty, f"{path}.presence_penalty", low=-2, high=2)
    yield from number(chat.frequency_penalty, f"{path}.frequency_penalty", low=-2, high=2)
    yield from whole(chat.top_logprobs, f"{path}.top_logprobs", high=MAX_INT32)


def _check_message(message: Message, path: str) -> Violations:
    if message.role is None:
        yield FieldViolation(f"{path}.role", "is required")
    # A model may answer nothing at all, and that answer may be sent back.
    least = 0 if message.role is Role.ASSISTANT else 1
    yield from each(message.content, f"{path}.content", check_block, least=least)


def _check_tool(tool: Tool, path: str) -> Violations:
    if not _TOOL_NAME.fullmatch(tool.name):
        problem = "must have 1 to 128 letters, digits, _ or -"
        yield FieldViolation(f"{path}.name", problem if tool.name else "is required")
    yield from check_cache_control(tool.cache_control, path)


def _check_tool_names(chat: ChatRequest, path: str) -> Violations:
    names: set[str] = set()
    for i, tool in enumerate(chat.tools):
        if tool.name in names:
            yield FieldViolation(f"{path}.tools[{i}].name", "another tool of this request has it already")
        names.add(tool.name)
    if chat.tool_choice is not None:
        yield from _check_tool_choice(chat.tool_choice, names, f"{path}.tool_choice")


def _check_tool_choice(choice: ToolChoice, names: set[str], path: str) -> Violations:
    if choice.mode is ToolChoiceMode.NAMED:
        if choice.name not in names:
            yield FieldViolation(f"{path}.name", "must be one of the tools" if choice.name else "is required")
    elif choice.name:
        yield FieldViolation(f"{path}.name", "must be empty unless the mode is NAMED")


def _check_response_format(form: ResponseFormat, path: str) -> Violations:
    wanted = form.kind is ResponseFormatKind.JSON_SCHEMA
    if wanted != (form.json_schema is not None):
        problem = "is required" if wanted else "must be unset unless the kind is JSON_SCHEMA"
        yield FieldViolation(f"{path}.json_schema", problem)


def _check_reasoning(reasoning: Reasoning, path: str) -> Violations:
    if reasoning.effort and reasoning.effort not in EFFORTS:
        yield FieldViolation(f"{path}.effort", f"must be one of {', '.join(EFFORTS)}")
    yield from whole(reasoning.max_tokens, f"{path}.max_tokens", high=MAX_INT32)
