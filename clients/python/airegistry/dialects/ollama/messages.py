"""Turns of a conversation as Ollama's messages: one text, bare base64 images, tool calls with objects for arguments."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

import orjson

from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import Message, Role
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock, ThinkingBlock, ToolCall, ToolResult
from airegistry.invocations.invocation import Warning as FieldWarning

_ROLES: Final = {Role.SYSTEM: "system", Role.USER: "user", Role.ASSISTANT: "assistant"}


class MessageWriter:
    """Writes messages, and collects in `warnings` what could not be written."""

    def __init__(self) -> None:
        self.warnings: list[FieldWarning] = []
        # Results name the tool, not only the call: the names of the calls so far, by their ids.
        self._called: dict[str, str] = {}

    def write(self, messages: Sequence[Message], path: str) -> list[dict[str, Any]]:
        """Return the wire messages. A turn with several tool results becomes several messages."""
        wire: list[dict[str, Any]] = []
        for i, message in enumerate(messages):
            wire.extend(self._turn(message, f"{path}[{i}]"))
        return wire

    def _turn(self, message: Message, path: str) -> list[dict[str, Any]]:
        if message.name:
            self.warn(f"{path}.name", "this format has no names of participants; not sent")
        results: list[dict[str, Any]] = []
        turn = _Turn(self)
        for j, block in enumerate(message.content):
            at = f"{path}.content[{j}]"
            if block.cache_control:
                self.warn(f"{at}.cache_control", "the server decides by itself what it caches")
            if block.tool_result is not None:
                results.append(self._result(block.tool_result, f"{at}.tool_result"))
            else:
                turn.add(block, at)
        # Results go first: they must follow the turn that asked for them, with nothing between.
        if turn.empty and (results or message.role is Role.TOOL):
            return results
        role = _ROLES.get(message.role) if message.role is not None else None
        if role is None:
            raise InvalidArgumentError.of(f"{path}.role", "such a turn holds tool results only")
        return [*results, {"role": role, **turn.fields()}]

    def _result(self, result: ToolResult, path: str) -> dict[str, Any]:
        if result.is_error:
            self.warn(f"{path}.is_error", "only the result's content is sent")
        turn = _Turn(self)
        for k, block in enumerate(result.content):
            turn.add(block, f"{path}.content[{k}]")
        wire = {"role": "tool", **turn.fields(), "tool_call_id": result.tool_call_id}
        if name := self._called.get(result.tool_call_id):
            wire["tool_name"] = name
        return wire

    def note_call(self, call: ToolCall) -> None:
        """Remember which tool a call is for."""
        self._called[call.id] = call.name

    def warn(self, path: str, message: str) -> None:
        """Note what could not be written."""
        self.warnings.append(FieldWarning(path, message))


class _Turn:
    """What one wire message holds."""

    def __init__(self, writer: MessageWriter) -> None:
        self._writer = writer
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._images: list[str] = []
        self._calls: list[dict[str, Any]] = []

    @property
    def empty(self) -> bool:
        return not (self._texts or self._thoughts or self._images or self._calls)

    def add(self, block: ContentBlock, path: str) -> None:
        if block.text is not None:
            self._text(block.text, path)
        elif block.image is not None:
            self._image(block.image, f"{path}.image")
        elif block.thinking is not None:
            self._thinking(block.thinking, f"{path}.thinking")
        elif block.tool_call is not None:
            self._call(block.tool_call, f"{path}.tool_call")
        elif block.refusal is not None:
            # A model that declines says so in words like any other here.
            self._texts.append(block.refusal.text)
        else:
            kind = next(name for name in ("audio", "video", "file") if getattr(block, name) is not None)
            raise UnsupportedFieldError.of(f"{path}.{kind}", "this format takes text and images only")

    def fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"content": "\n".join(self._texts)}
        if self._thoughts:
            fields["thinking"] = "".join(self._thoughts)
        if self._images:
            fields["images"] = self._images
        if self._calls:
            fields["tool_calls"] = self._calls
        return fields

    def _text(self, text: TextBlock, path: str) -> None:
        self._texts.append(text.text)
        if text.annotations:
            self._writer.warn(f"{path}.text.annotations", "annotations are not sent")

    def _image(self, image: MediaBlock, path: str) -> None:
        if image.data is None:
            given = "url" if image.url is not None else "file_id"
            raise UnsupportedFieldError.of(f"{path}.{given}", "this format takes the bytes of an image, nothing else")
        self._images.append(base64.b64encode(image.data).decode())
        if image.detail:
            self._writer.warn(f"{path}.detail", "the server decides how closely it looks")

    def _thinking(self, thinking: ThinkingBlock, path: str) -> None:
        self._thoughts.append(thinking.text)
        if thinking.signature or thinking.redacted_data:
            self._writer.warn(path, "only the text of a thought is sent")

    def _call(self, call: ToolCall, path: str) -> None:
        self._writer.note_call(call)
        function = {
            "index": len(self._calls),
            "name": call.name,
            "arguments": _object(call.arguments, f"{path}.arguments"),
        }
        self._calls.append({"id": call.id, "function": function})


def _object(arguments: str, path: str) -> Any:
    """Return arguments as the object that they must be here, spelled as they came."""
    if not arguments.strip():
        return {}
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise UnsupportedFieldError.of(path, "this format takes a JSON object here, nothing else")
    return orjson.Fragment(arguments)
