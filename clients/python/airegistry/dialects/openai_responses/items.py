"""Turns of a conversation as the items of the Responses API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airegistry.dialects.openai.messages import UNCACHED
from airegistry.dialects.openai.variants import Variant
from airegistry.dialects.openai_responses.annotations import annotation_of
from airegistry.dialects.openai_responses.parts import part_of
from airegistry.dialects.signatures import RESPONSES, own
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock, ThinkingBlock, ToolCall, ToolResult
from airegistry.invocations.invocation import Warning as FieldWarning

_ROLES: Final = {Role.SYSTEM: "system", Role.USER: "user"}
_Item = dict[str, Any]


class ItemWriter:
    """Writes turns, and collects in `warnings` what could not be written."""

    def __init__(self, variant: Variant) -> None:
        self.warnings: list[FieldWarning] = []
        self._variant = variant

    def write(self, messages: tuple[Message, ...], path: str) -> dict[str, Any]:
        """Return `input`, and `instructions` where the conversation begins with a plain text of the system's."""
        turns = list(enumerate(messages))
        fields: dict[str, Any] = {}
        if len(turns) > 1 and (instructions := _plain_instructions(messages[0])):
            fields["instructions"] = instructions
            del turns[0]
        fields["input"] = [item for i, message in turns for item in self._turn(message, f"{path}[{i}]")]
        return fields

    def _turn(self, message: Message, path: str) -> list[_Item]:
        if message.name:
            self._warn(f"{path}.name", "this format has no names of speakers; not sent")
        if message.role is Role.ASSISTANT:
            return list(self._assistant(message, f"{path}.content"))
        results, rest = [], []
        for j, block in enumerate(message.content):
            at = f"{path}.content[{j}]"
            if block.tool_result is not None:
                results.append(self._result(block, block.tool_result, at))
            else:
                rest.append(self._part(block, at))
        # Results go first: they belong to the turn before.
        if not rest and (results or message.role is Role.TOOL):
            return results
        role = _ROLES.get(message.role) if message.role is not None else None
        if role is None:
            raise InvalidArgumentError.of(f"{path}.role", "such a turn holds tool results only")
        return [*results, {"type": "message", "role": role, "content": _content(rest)}]

    def _assistant(self, message: Message, path: str) -> Iterator[_Item]:
        said: list[_Item] = []
        for j, block in enumerate(message.content):
            at = f"{path}[{j}]"
            self._unsaid(block, at)
            if block.text is not None:
                said.append(self._text(block.text, at))
            elif block.refusal is not None:
                said.append({"type": "refusal", "refusal": block.refusal.text})
            else:
                yield from _answered(said)
                said = []
                yield from self._item(block, at)
        yield from _answered(said)

    def _item(self, block: ContentBlock, path: str) -> Iterator[_Item]:
        if block.tool_call is not None:
            yield _call(block.tool_call)
        elif block.thinking is not None:
            yield from self._thought(block.thinking, f"{path}.thinking")
        else:
            raise UnsupportedFieldError.of(path, "an earlier answer holds text, thoughts and calls only in this format")

    def _text(self, text: TextBlock, path: str) -> _Item:
        annotations = [annotation_of(annotation) for annotation in text.annotations]
        if None in annotations:
            self._warn(f"{path}.text.annotations", "annotations of another format are not sent")
        kept = [annotation for annotation in annotations if annotation is not None]
        return {"type": "output_text", "text": text.text, "annotations": kept}

    def _thought(self, thinking: ThinkingBlock, path: str) -> Iterator[_Item]:
        if signature := own(RESPONSES, thinking.signature):
            summary = [{"type": "summary_text", "text": thinking.text}] if thinking.text else []
            yield {"type": "reasoning", "summary": summary, "encrypted_content": signature}
        elif thinking.text and self._variant.reasoning_content:
            content = [{"type": "reasoning_text", "text": thinking.text}]
            yield {"type": "reasoning", "summary": [], "content": content}
        else:
            self._warn(path, "earlier thoughts are sent only with the provider's own proof of them")

    def _result(self, block: ContentBlock, result: ToolResult, path: str) -> _Item:
        self._unsaid(block, path)
        if result.is_error:
            self._warn(f"{path}.tool_result.is_error", "only the result's content is sent")
        parts = [self._part(inner, f"{path}.tool_result.content[{k}]") for k, inner in enumerate(result.content)]
        return {"type": "function_call_output", "call_id": result.tool_call_id, "output": _content(parts)}

    def _part(self, block: ContentBlock, path: str) -> _Item:
        self._unsaid(block, path)
        if block.text is not None and block.text.annotations:
            self._warn(f"{path}.text.annotations", "annotations are sent of earlier answers only")
        return part_of(block, path)

    def _unsaid(self, block: ContentBlock, path: str) -> None:
        if block.cache_control:
            self._warn(f"{path}.cache_control", UNCACHED)

    def _warn(self, path: str, message: str) -> None:
        self.warnings.append(FieldWarning(path, message))


def _plain_instructions(message: Message) -> str:
    if message.role is not Role.SYSTEM or message.name or len(message.content) != 1:
        return ""
    block = message.content[0]
    return block.text.text if block.text is not None and not block.cache_control else ""


def _answered(parts: list[_Item]) -> Iterator[_Item]:
    if not parts:
        return
    message: _Item = {"type": "message", "role": "assistant"}
    if len(parts) == 1 and parts[0]["type"] == "output_text" and not parts[0]["annotations"]:
        # The form that every server takes.
        yield {**message, "content": parts[0]["text"]}
    else:
        yield {**message, "status": "completed", "content": parts}


def _call(call: ToolCall) -> _Item:
    # Some servers parse the arguments, and an empty text is no JSON.
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments or "{}"}


def _content(parts: list[_Item]) -> str | list[_Item]:
    """Return one text as plain text, which every server takes."""
    if not parts:
        return ""
    if len(parts) == 1 and parts[0]["type"] == "input_text":
        text: str = parts[0]["text"]
        return text
    return parts
