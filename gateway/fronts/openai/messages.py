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
from airegistry.invocations.invocation import Warning as FieldWarning
from gateway.fronts.openai.content import blocks_of
from gateway.fronts.openai.fields import Fields, wrong

_ROLES: Final = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
}


class MessageReader:
    """Reads messages, and collects in `warnings` the fields inside of them that have no place."""

    def __init__(self) -> None:
        self.warnings: list[FieldWarning] = []

    def read(self, body: Fields) -> tuple[Message, ...]:
        """Return the turns of a request's `messages`."""
        messages = tuple(self._message(fields) for fields in body.objects("messages"))
        if not messages:
            raise wrong("messages", "is required and must not be empty")
        return messages

    def _message(self, fields: Fields) -> Message:
        word = fields.needed("role")
        role = _ROLES.get(word)
        if role is None:
            raise wrong(fields.at("role"), f"{word[:40]!r} is not one of {', '.join(_ROLES)}")
        name = fields.text("name")
        content = self._assistant(fields) if role is Role.ASSISTANT else self._content(fields)
        if role is Role.TOOL:
            content = (ContentBlock(tool_result=ToolResult(fields.needed("tool_call_id"), content)),)
        self._unknown(fields)
        return Message(role, content, name)

    def _content(self, fields: Fields) -> tuple[ContentBlock, ...]:
        if fields.take("content") is None:
            raise wrong(fields.at("content"), "is required")
        return blocks_of(fields, self._unknown)

    def _assistant(self, fields: Fields) -> tuple[ContentBlock, ...]:
        if fields.take("function_call") is not None:
            raise UnsupportedFieldError.of(fields.at("function_call"), "was replaced by `tool_calls`")
        blocks: list[ContentBlock] = []
        if thought := fields.text("reasoning_content"):
            blocks.append(ContentBlock(thinking=ThinkingBlock(thought)))
        blocks.extend(blocks_of(fields, self._unknown))
        if refusal := fields.text("refusal"):
            blocks.append(ContentBlock(refusal=RefusalBlock(refusal)))
        if (audio := fields.nested("audio")) is not None:
            blocks.append(ContentBlock(audio=MediaBlock(file_id=audio.needed("id"))))
        blocks.extend(self._call(call) for call in fields.objects("tool_calls"))
        if not blocks:
            raise wrong(fields.at("content"), "is required, unless there are tool_calls")
        return tuple(blocks)

    def _call(self, call: Fields) -> ContentBlock:
        if (kind := call.text("type") or "function") != "function":
            raise UnsupportedFieldError.of(call.at("type"), f"{kind[:40]!r} calls are not supported, only functions")
        function = call.needed_nested("function")
        call.take("index")
        self._unknown(call)
        return ContentBlock(tool_call=ToolCall(call.needed("id"), function.needed("name"), function.text("arguments")))

    def _unknown(self, fields: Fields) -> None:
        # Clients send answers back as they got them: an empty list says nothing.
        for name, value in fields.rest().items():
            if value not in ([], {}, ""):
                self.warnings.append(FieldWarning(fields.at(name), "this field is not known here; not sent"))
