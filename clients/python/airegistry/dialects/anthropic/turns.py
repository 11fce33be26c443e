"""Turns of a conversation as Anthropic's: the system prompt apart, then user and assistant by turns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airegistry.dialects.anthropic import blocks
from airegistry.dialects.anthropic.thoughts import unfit
from airegistry.dialects.anthropic.variants import Variant
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock, ToolResult
from airegistry.invocations.invocation import Warning as FieldWarning

_UNMARKED: Final = ("thinking", "redacted_thinking")


class TurnWriter:
    """Writes a conversation to `system` and `turns`, and collects in `warnings` what could not be written."""

    def __init__(self, variant: Variant) -> None:
        self.system: list[dict[str, Any]] = []
        self.turns: list[dict[str, Any]] = []
        self.warnings: list[FieldWarning] = []
        self._variant = variant

    def write(self, messages: tuple[Message, ...], path: str, *, continues_prefix: bool) -> None:
        """Write all messages. Neighbours of one role become one turn, as the results of parallel calls must.

        Raises UnsupportedFieldError for a conversation that the format cannot hold.
        """
        for i, message in enumerate(messages):
            at = f"{path}[{i}]"
            if message.name:
                self._warn(f"{at}.name", "this format has no names; not sent")
            if message.role is Role.SYSTEM:
                self._instruct(message, at, messages[i + 1 :])
            else:
                assistant = message.role is Role.ASSISTANT
                self._add("assistant" if assistant else "user", list(self._content(message, f"{at}.content")), at)
        self._check(path, continues_prefix=continues_prefix)
        for turn in self.turns:
            turn["content"] = _shortest(sorted(turn["content"], key=_after_results))

    def _instruct(self, message: Message, path: str, rest: tuple[Message, ...]) -> None:
        content = list(self._content(message, f"{path}.content"))
        if self._variant.system_turns and _may_stand(self.turns, rest):
            self._add("system", content, path)
            return
        if self.turns:
            self._warn(path, "a system message among the turns goes to the front of all of them")
        self.system.extend(content)

    def _add(self, role: str, content: list[dict[str, Any]], path: str) -> None:
        if not content:
            self._warn(path, "nothing is left of this message; not sent")
        elif self.turns and self.turns[-1]["role"] == role:
            self.turns[-1]["content"].extend(content)
        else:
            self.turns.append({"role": role, "content": content})

    def _check(self, path: str, *, continues_prefix: bool) -> None:
        if not self.turns or self.turns[0]["role"] == "assistant":
            raise UnsupportedFieldError.of(path, "this format begins with a turn of the user")
        last = self.turns[-1]
        if last["role"] != "assistant":
            return
        if not continues_prefix:
            raise UnsupportedFieldError.of(path, "the endpoint does not declare that it continues an answer")
        self._trim(last["content"], path)

    def _trim(self, content: list[dict[str, Any]], path: str) -> None:
        """Take the space from the end of what is to be continued: with it the format refuses it."""
        text = content[-1]
        if text["type"] == "text" and text["text"] != text["text"].rstrip():
            self._warn(path, "the space at the end of what is to be continued is not sent")
            text["text"] = text["text"].rstrip()

    def _content(self, message: Message, path: str) -> Iterator[dict[str, Any]]:
        for j, block in enumerate(message.content):
            at = f"{path}[{j}]"
            wire = self._block(block, message.role, at)
            markable = wire is not None and wire["type"] not in _UNMARKED
            if block.cache_control and not markable:
                self._warn(f"{at}.cache_control", "there is nothing sent here that can be marked")
            if wire is not None:
                yield {**wire, **blocks.cache_mark(block.cache_control)} if markable else wire

    def _block(self, block: ContentBlock, role: Role | None, path: str) -> dict[str, Any] | None:
        if role is Role.ASSISTANT:
            return self._said(block, path)
        if role is Role.SYSTEM and block.text is None:
            raise UnsupportedFieldError.of(path, "system messages of this format are text")
        if block.tool_result is not None:
            return self._result(block.tool_result, f"{path}.tool_result")
        return self._part(block, path)

    def _said(self, block: ContentBlock, path: str) -> dict[str, Any] | None:
        """Write a block of the assistant's."""
        if block.thinking is not None:
            if (reason := unfit(block.thinking, self._variant)) is None:
                return blocks.thinking_block(block.thinking)
            self._warn(f"{path}.thinking", reason)
            return None
        if block.tool_call is not None:
            wire, proper = blocks.tool_use_block(block.tool_call)
            if not proper:
                self._warn(f"{path}.tool_call.arguments", f"are no JSON object; sent as its member {blocks.INVALID}")
            return wire
        if block.refusal is not None:
            return self._text(TextBlock(block.refusal.text), path)
        if block.text is None:
            raise UnsupportedFieldError.of(path, "a turn of the assistant holds text, thoughts and tool calls only")
        return self._text(block.text, path)

    def _result(self, result: ToolResult, path: str) -> dict[str, Any]:
        wire: dict[str, Any] = {"type": "tool_result", "tool_use_id": blocks.call_id(result.tool_call_id)}
        inner = list(self._content(Message(Role.USER, result.content), f"{path}.content"))
        if inner:
            wire["content"] = _shortest(inner)
        if result.is_error:
            wire["is_error"] = True
        return wire

    def _part(self, block: ContentBlock, path: str) -> dict[str, Any] | None:
        if block.text is not None:
            return self._text(block.text, path)
        if block.image is not None:
            if block.image.detail:
                self._warn(f"{path}.image.detail", "this format has no field for it; not sent")
            return blocks.image_block(block.image, f"{path}.image")
        if block.file is not None:
            return blocks.document_block(block.file, f"{path}.file")
        for name in ("audio", "video"):
            if getattr(block, name) is not None:
                raise UnsupportedFieldError.of(f"{path}.{name}", "this format takes text, images and documents only")
        raise InvalidArgumentError.of(path, "has no content that may stand here")

    def _text(self, text: TextBlock, path: str) -> dict[str, Any] | None:
        if len(blocks.citations_of(text)) < len(text.annotations):
            self._warn(f"{path}.text.annotations", "annotations that are no citations of this format are not sent")
        if text.text.strip():
            return blocks.text_block(text)
        # The format refuses a text of nothing but space.
        if text.text:
            self._warn(f"{path}.text", "a text of nothing but space is not sent")
        return None

    def _warn(self, path: str, message: str) -> None:
        self.warnings.append(FieldWarning(path, message))


def _may_stand(turns: list[dict[str, Any]], rest: tuple[Message, ...]) -> bool:
    """Whether a system message may stand here: after a turn of the user, and before one of the assistant or at the end."""
    following = next((message.role for message in rest if message.role is not Role.SYSTEM), Role.ASSISTANT)
    return bool(turns) and turns[-1]["role"] != "assistant" and following is Role.ASSISTANT


def _after_results(block: dict[str, Any]) -> bool:
    """Order a turn: results go first, for they must follow the calls with nothing between."""
    return bool(block["type"] != "tool_result")


def _shortest(content: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Return one plain text as a string, which every server takes."""
    if len(content) == 1 and content[0].keys() == {"type", "text"} and content[0]["type"] == "text":
        text: str = content[0]["text"]
        return text
    return content
