"""Turns of a conversation as OpenAI's messages."""

from __future__ import annotations

from typing import Any, Final

from airegistry.dialects.openai.parts import part_of
from airegistry.dialects.openai.variants import Variant
from airegistry.errors import InvalidArgumentError
from airegistry.invocations.chat import Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock, ThinkingBlock, ToolCall, ToolResult
from airegistry.invocations.invocation import Warning as FieldWarning

TRANSCRIPT: Final = "audio_transcript"
"""The type of the annotation that says that a text is the transcript of an answer's sound, and of which (`id`)."""

UNCACHED: Final = "the provider decides by itself what it caches"
"""What is said of a mark for the cache."""

_ROLES: Final = {Role.SYSTEM: "system", Role.USER: "user"}


class MessageWriter:
    """Writes messages, and collects in `warnings` what could not be written."""

    def __init__(self, variant: Variant) -> None:
        self.warnings: list[FieldWarning] = []
        self._variant = variant

    def write(self, messages: tuple[Message, ...], path: str) -> list[dict[str, Any]]:
        """Return the wire messages. A turn with several tool results becomes several messages."""
        wire: list[dict[str, Any]] = []
        for i, message in enumerate(messages):
            plain = _plain(message)
            if plain is not None:
                wire.append(plain)
            else:
                wire.extend(self._turn(message, f"{path}[{i}]"))
        return wire

    def _turn(self, message: Message, path: str) -> list[dict[str, Any]]:
        if message.role is Role.ASSISTANT:
            return [_named(self._assistant(message, f"{path}.content"), message)]
        results, rest = [], []
        for j, block in enumerate(message.content):
            at = f"{path}.content[{j}]"
            if block.tool_result is not None:
                results.append(self._result(block, block.tool_result, at))
            else:
                rest.append(self._part(block, at))
        # Results go first: they must follow the turn that asked for them, with nothing between.
        if not rest and (results or message.role is Role.TOOL):
            return results
        role = _ROLES.get(message.role) if message.role is not None else None
        if role is None:
            raise InvalidArgumentError.of(f"{path}.role", "such a turn holds tool results only")
        return [*results, _named({"role": role, "content": _content(rest)}, message)]

    def _assistant(self, message: Message, path: str) -> dict[str, Any]:
        wire: dict[str, Any] = {"role": "assistant", "content": None}
        parts: list[dict[str, Any]] = []
        for j, block in enumerate(message.content):
            at = f"{path}[{j}]"
            if block.tool_call is not None:
                self._unsaid(block, at)
                wire.setdefault("tool_calls", []).append(_call(block.tool_call))
            elif block.thinking is not None:
                self._thinking(wire, block.thinking, at)
            elif block.refusal is not None:
                wire["refusal"] = wire.get("refusal", "") + block.refusal.text
            elif (sound := _sound(block)) is not None:
                wire["audio"] = {"id": sound}
            elif block.audio is not None:
                self._sound_without_id(message, f"{at}.audio")
            else:
                parts.append(self._part(block, at))
        if parts or len(wire) == len(("role", "content")):
            wire["content"] = _content(parts)
        return wire

    def _part(self, block: ContentBlock, path: str) -> dict[str, Any]:
        self._unsaid(block, path)
        if block.text is not None and block.text.annotations:
            self._warn(f"{path}.text.annotations", "annotations are not sent")
        return part_of(block, path)

    def _result(self, block: ContentBlock, result: ToolResult, path: str) -> dict[str, Any]:
        self._unsaid(block, path)
        if result.is_error:
            self._warn(f"{path}.tool_result.is_error", "only the result's content is sent")
        parts = [self._part(inner, f"{path}.tool_result.content[{k}]") for k, inner in enumerate(result.content)]
        return {"role": "tool", "tool_call_id": result.tool_call_id, "content": _content(parts)}

    def _thinking(self, wire: dict[str, Any], thinking: ThinkingBlock, path: str) -> None:
        if not self._variant.reasoning_content:
            self._warn(f"{path}.thinking", "earlier thoughts are not sent")
            return
        wire["reasoning_content"] = wire.get("reasoning_content", "") + thinking.text
        if thinking.signature or thinking.redacted_data:
            self._warn(f"{path}.thinking", "only the text of a thought is sent")

    def _sound_without_id(self, message: Message, path: str) -> None:
        # The transcript beside it names the same sound by the provider's id.
        if not any(_sound(block) for block in message.content):
            self._warn(path, "earlier sound is sent by the provider's id of it only")

    def _unsaid(self, block: ContentBlock, path: str) -> None:
        if block.cache_control:
            self._warn(f"{path}.cache_control", UNCACHED)

    def _warn(self, path: str, message: str) -> None:
        self.warnings.append(FieldWarning(path, message))


def _plain(message: Message) -> dict[str, Any] | None:
    """Return what a turn is that is one text and nothing else, as most are; None for any other."""
    if message.role is None or message.role not in _ROLES or len(message.content) != 1:
        return None
    block = message.content[0]
    if block.text is None or block.text.annotations or block.cache_control:
        return None
    return _named({"role": _ROLES[message.role], "content": block.text.text}, message)


def _named(wire: dict[str, Any], message: Message) -> dict[str, Any]:
    if message.name:
        wire["name"] = message.name
    return wire


def _call(call: ToolCall) -> dict[str, Any]:
    # Some servers parse the arguments, and an empty text is no JSON.
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _sound(block: ContentBlock) -> str | None:
    """Return the provider's id of an earlier sound, when the block names one."""
    if block.audio is not None:
        return block.audio.file_id
    return transcribed(block.text) if block.text is not None else None


def transcribed(text: TextBlock) -> str | None:
    """Return the provider's id of the sound of which *text* is the transcript, None when it is none."""
    for annotation in text.annotations:
        if annotation.get("type") == TRANSCRIPT and isinstance(annotation.get("id"), str):
            return str(annotation["id"])
    return None


def _content(parts: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Return one text as plain text, which every server takes."""
    if not parts:
        return ""
    if len(parts) == 1 and parts[0]["type"] == "text":
        text: str = parts[0]["text"]
        return text
    return parts
