"""The rules for conversations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from typing import Any, Final

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

_SAMPLING: Final[Mapping[str, Callable[[Any, str], Violations]]] = {
    "max_output_tokens": partial(whole, low=1, high=MAX_INT32),
    "temperature": partial(number, low=0, high=2),
    "top_p": partial(number, low=0, high=1),
    "top_k": partial(whole, low=1, high=MAX_INT32),
    "seed": partial(whole, low=-(2**63)),
    "choice_count": partial(whole, low=1, high=16),
    "presence_penalty": partial(number, low=-2, high=2),
    "frequency_penalty": partial(number, low=-2, high=2),
    "top_logprobs": partial(whole, high=MAX_INT32),
}
_sampling: Final[Callable[[ChatRequest], tuple[Any, ...]]] = attrgetter(*_SAMPLING)
_SILENT: Final = _sampling(ChatRequest())
_TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def check_chat(chat: ChatRequest, path: str) -> Violations:
    """Yield what is wrong with a conversation."""
    yield from each(chat.messages, f"{path}.messages", _check_message, least=1)
    if (asked := _sampling(chat)) != _SILENT:
        yield from _check_sampling(asked, path)
    if chat.stop_sequences:
        yield from each(chat.stop_sequences, f"{path}.stop_sequences", required, most=16)
    if chat.tools:
        yield from each(chat.tools, f"{path}.tools", _check_tool, most=1024)
    if chat.tools or chat.tool_choice is not None:
        yield from _check_tool_names(chat, path)
    if chat.output_modalities:
        yield from each(chat.output_modalities, f"{path}.output_modalities", required)
    if chat.response_format is not None:
        yield from _check_response_format(chat.response_format, f"{path}.response_format")
    if chat.reasoning is not None:
        yield from _check_reasoning(chat.reasoning, f"{path}.reasoning")


def _check_sampling(asked: tuple[Any, ...], path: str) -> Violations:
    for (name, check), value in zip(_SAMPLING.items(), asked, strict=True):
        if value is not None:
            yield from check(value, f"{path}.{name}")


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
