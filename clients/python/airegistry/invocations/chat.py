"""A conversation to go on with, and the answers to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from airegistry._making import quickly_made
from airegistry.invocations.content import ContentBlock, ToolCall
from airegistry.resources.finish_reason import FinishReason as FinishReason  # noqa: PLC0414 - part of an answer


class Role(IntEnum):
    """Whose turn it is."""

    SYSTEM = 1
    USER = 2
    ASSISTANT = 3
    TOOL = 4


class ToolChoiceMode(IntEnum):
    """Whether and which tool to call."""

    AUTO = 1
    NONE = 2
    REQUIRED = 3
    NAMED = 4


class ResponseFormatKind(IntEnum):
    """The form of an answer."""

    TEXT = 1
    JSON_OBJECT = 2
    JSON_SCHEMA = 3


@quickly_made
@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role | None = None
    content: tuple[ContentBlock, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call."""

    name: str = ""
    description: str = ""
    input_schema: Mapping[str, Any] | None = None
    strict: bool | None = None
    cache_control: str = ""


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether and which tool to call."""

    mode: ToolChoiceMode | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """The form of the answer."""

    kind: ResponseFormatKind | None = None
    json_schema: Mapping[str, Any] | None = None
    name: str = ""
    strict: bool | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How much to think before the answer."""

    effort: str = ""
    max_tokens: int | None = None
    include_thoughts: bool | None = None


@quickly_made
@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation to go on with, and how."""

    messages: tuple[Message, ...] = ()
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning: Reasoning | None = None
    seed: int | None = None
    choice_count: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    top_logprobs: int | None = None
    user: str = ""
    output_modalities: tuple[str, ...] = ()
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """The log-probability of a token."""

    token: str = ""
    logprob: float = 0.0
    token_bytes: bytes = b""
    top: tuple[TokenLogprob, ...] = ()


@quickly_made
@dataclass(frozen=True, slots=True)
class ChatChoice:
    """One answer."""

    index: int = 0
    message: Message | None = None
    finish_reason: FinishReason | None = None
    upstream_finish_reason: str = ""
    stop_sequence: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()


@quickly_made
@dataclass(frozen=True, slots=True)
class ChatResponse:
    """The answers to a ChatRequest."""

    choices: tuple[ChatChoice, ...] = ()
    upstream_id: str = ""
    upstream_model: str = ""
    created: int | None = None
    extra: Mapping[str, Any] | None = None

    @property
    def text(self) -> str:
        """The text of the first answer; empty where it has none."""
        message = self.choices[0].message if self.choices else None
        return "".join(block.text.text for block in message.content if block.text is not None) if message else ""


@quickly_made
@dataclass(frozen=True, slots=True)
class ChatDelta:
    """A piece of a streamed answer."""

    choice_index: int = 0
    block_index: int = 0
    text: str | None = None
    thinking: str | None = None
    thinking_signature: str | None = None
    tool_call_start: ToolCall | None = None
    tool_call_arguments: str | None = None
    refusal: str | None = None
    block: ContentBlock | None = None
    finish_reason: FinishReason | None = None
    upstream_finish_reason: str = ""
    stop_sequence: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()
