"""Ollama's messages as turns of a conversation."""

from __future__ import annotations

from typing import Final

from airegistry.dialects.magic import image_type
from airegistry.invocations.chat import Message, Role
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock, ThinkingBlock, ToolCall, ToolResult
from gateway.fronts.fields import Fields, base64_bytes, json_again, wrong

_ROLES: Final = {"system": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT, "tool": Role.TOOL}


def messages_of(body: Fields) -> tuple[Message, ...]:
    """Return the turns of a conversation."""
    reader = _Conversation()
    return tuple(reader.turn(i, message) for i, message in enumerate(body.objects("messages")))


def images_of(fields: Fields) -> list[ContentBlock]:
    """Return the images of a message or of a prompt: bare base64, told apart by their first bytes."""
    return [_image(data, f"{fields.at('images')}[{i}]") for i, data in enumerate(fields.texts("images"))]


class _Conversation:
    """Reads message after message. Calls mostly have no ids here, and results name the tool, so that they are matched."""

    def __init__(self) -> None:
        self._waiting: list[ToolCall] = []

    def turn(self, place: int, fields: Fields) -> Message:
        word = fields.needed("role")
        role = _ROLES.get(word.lower())
        if role is None:
            raise wrong(fields.at("role"), f"{word[:40]!r} is not one of {', '.join(_ROLES)}")
        if role is Role.TOOL:
            return Message(role, (self._result(fields),))
        thoughts = fields.text("thinking")
        blocks = [ContentBlock(thinking=ThinkingBlock(thoughts))] if thoughts else []
        text, images = fields.text("content"), images_of(fields)
        calls = [self._call(call, f"call_{place}_{i}") for i, call in enumerate(fields.objects("tool_calls"))]
        if text or not (role is Role.ASSISTANT or images):
            blocks.append(ContentBlock(text=TextBlock(text)))
        return Message(role, (*blocks, *images, *calls))

    def _call(self, fields: Fields, made_id: str) -> ContentBlock:
        # Only tells which one of several it is, as their order does.
        fields.text("type")
        function = fields.needed_nested("function")
        function.take("index")
        arguments = function.mapping("arguments") or {}
        id_ = fields.text("id") or made_id
        call = ToolCall(id_, function.needed("name"), json_again(arguments, function.at("arguments")).decode())
        self._waiting.append(call)
        return ContentBlock(tool_call=call)

    def _result(self, fields: Fields) -> ContentBlock:
        blocks = (ContentBlock(text=TextBlock(fields.text("content"))), *images_of(fields))
        return ContentBlock(tool_result=ToolResult(self._answered(fields), blocks))

    def _answered(self, fields: Fields) -> str:
        """Return the id of the call that a result is of: the one it names, else the oldest of its tool without a result."""
        id_, name = fields.text("tool_call_id"), fields.text("tool_name") or fields.text("name")
        fits = [call for call in self._waiting if (call.id == id_ if id_ else name in ("", call.name))]
        if fits:
            self._waiting.remove(fits[0])
        elif not id_:
            raise wrong(fields.at("tool_name"), "no tool call before it waits for this result")
        return id_ or fits[0].id


def _image(base64: str, path: str) -> ContentBlock:
    data = base64_bytes(base64, path)
    media_type = image_type(data)
    if not media_type:
        raise wrong(path, "is no image of a known kind")
    return ContentBlock(image=MediaBlock(data=data, media_type=media_type))
