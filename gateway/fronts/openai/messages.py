"""OpenAI's messages as turns of a conversation."""

from __future__ import annotations

from typing import Final

from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.chat import Message, Role
from airegistry.invocations.content import (
    ContentBlock,
    MediaBlock,
    RefusalBlock,
    ThinkingBlock,
    ToolCall,
    ToolResult,
)
from gateway.fronts.fields import Fields, wrong
from gateway.fronts.openai.content import blocks_of

_ROLES: Final = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
}


def messages_of(body: Fields) -> tuple[Message, ...]:
    """Return the turns of a request's `messages`."""
    messages = tuple(_message(fields) for fields in body.objects("messages"))
    if not messages:
        raise wrong("messages", "is required and must not be empty")
    return messages


def _message(fields: Fields) -> Message:
    word = fields.needed("role")
    role = _ROLES.get(word)
    if role is None:
        raise wrong(fields.at("role"), f"{word[:40]!r} is not one of {', '.join(_ROLES)}")
    content = _assistant(fields) if role is Role.ASSISTANT else _content(fields)
    if role is Role.TOOL:
        content = (ContentBlock(tool_result=ToolResult(fields.needed("tool_call_id"), content)),)
    return Message(role, content, fields.text("name"))


def _content(fields: Fields) -> tuple[ContentBlock, ...]:
    if fields.take("content") is None:
        raise wrong(fields.at("content"), "is required")
    return blocks_of(fields)


def _assistant(fields: Fields) -> tuple[ContentBlock, ...]:
    if fields.take("function_call") is not None:
        raise UnsupportedFieldError.of(fields.at("function_call"), "was replaced by `tool_calls`")
    blocks: list[ContentBlock] = []
    if thought := fields.text("reasoning_content"):
        blocks.append(ContentBlock(thinking=ThinkingBlock(thought)))
    blocks.extend(blocks_of(fields))
    if refusal := fields.text("refusal"):
        blocks.append(ContentBlock(refusal=RefusalBlock(refusal)))
    if (audio := fields.nested("audio")) is not None:
        blocks.append(_earlier_sound(audio))
    blocks.extend(_call(call) for call in fields.objects("tool_calls"))
    if not blocks:
        raise wrong(fields.at("content"), "is required, unless there are tool_calls")
    return tuple(blocks)


def _earlier_sound(audio: Fields) -> ContentBlock:
    # An answer that is sent back as it came repeats what the id stands for.
    for name in ("data", "transcript", "expires_at"):
        audio.take(name)
    return ContentBlock(audio=MediaBlock(file_id=audio.needed("id")))


def _call(call: Fields) -> ContentBlock:
    if (kind := call.text("type") or "function") != "function":
        raise UnsupportedFieldError.of(call.at("type"), f"{kind[:40]!r} calls are not supported, only functions")
    # Streams number their calls, and clients leave the number there.
    call.take("index")
    function = call.needed_nested("function")
    return ContentBlock(tool_call=ToolCall(call.needed("id"), function.needed("name"), function.text("arguments")))
