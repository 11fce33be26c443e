"""The items of a request's `input` as turns of a conversation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from airegistry.errors import FieldViolation
from airegistry.invocations.chat import Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock, ThinkingBlock, ToolCall, ToolResult
from gateway.fronts.fields import Fields, wrong
from gateway.fronts.openai_responses.parts import blocks_of
from gateway.fronts.openai_responses.signatures import of_another_format, signature_of

_ROLES: Final = {
    "user": Role.USER,
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "assistant": Role.ASSISTANT,
}
_GROUPED: Final = (Role.ASSISTANT, Role.TOOL)
"""Items of these belong to one turn when they follow each other: thoughts, words and calls, or the results of calls."""


class Conversation:
    """Collects turns, where each block of them came from, and what only a target of the same format understands."""

    def __init__(self) -> None:
        self.untranslatable: list[FieldViolation] = []
        self.places: list[list[str]] = []
        self.foreign_thoughts = False
        """Whether thoughts have proofs of another format: a target of this one refuses them, if it gets to see them."""
        self._turns: list[tuple[Role, list[ContentBlock]]] = []

    @property
    def messages(self) -> tuple[Message, ...]:
        """The turns."""
        return tuple(Message(role, tuple(blocks)) for role, blocks in self._turns)

    def say(self, role: Role, blocks: Iterable[tuple[ContentBlock, str]]) -> None:
        """Add blocks, each with its place in the request."""
        if not (self._turns and role in _GROUPED and self._turns[-1][0] is role):
            self._turns.append((role, []))
            self.places.append([])
        for block, place in blocks:
            self._turns[-1][1].append(block)
            self.places[-1].append(place)

    def read(self, body: Fields) -> None:
        """Read `input`: a text, or items."""
        given = body.take("input")
        if isinstance(given, str):
            self.say(Role.USER, [(ContentBlock(text=TextBlock(given)), "input")])
            return
        if given is None or given == []:
            raise wrong("input", "is required and must not be empty")
        if not isinstance(given, list):
            raise wrong("input", "must be a string or an array of items")
        for item in body.objects("input"):
            self._item(item)

    def _item(self, item: Fields) -> None:
        # Ours, or the provider's, from an answer that is sent back as it came.
        for name in ("id", "status"):
            item.take(name)
        match kind := item.text("type") or "message":
            case "message":
                self._message(item)
            case "function_call":
                self.say(Role.ASSISTANT, [(_call(item), item.path)])
            case "function_call_output":
                self.say(Role.TOOL, [(_result(item), item.path)])
            case "reasoning":
                self.say(Role.ASSISTANT, [(block, item.path) for block in self._thoughts(item)])
            case _:
                self._foreign(item, kind)

    def _message(self, item: Fields) -> None:
        word = item.needed("role")
        role = _ROLES.get(word)
        if role is None:
            raise wrong(item.at("role"), f"{word[:40]!r} is not one of {', '.join(_ROLES)}")
        self.say(role, blocks_of(item, "content"))

    def _thoughts(self, item: Fields) -> list[ContentBlock]:
        """Return a thought as its summary, which has its proof, and as it was in full."""
        summary, full = (_words(item, name) for name in ("summary", "content"))
        encrypted = item.text("encrypted_content")
        self.foreign_thoughts = self.foreign_thoughts or of_another_format(encrypted)
        thoughts = [ThinkingBlock(summary, signature_of(encrypted))] if summary or encrypted else []
        if full:
            thoughts.append(ThinkingBlock(full))
        return [ContentBlock(thinking=thought) for thought in thoughts]

    def _foreign(self, item: Fields, kind: str) -> None:
        what = f"items of type {kind[:40]!r} are understood by targets of this format only"
        self.untranslatable.append(FieldViolation(item.at("type"), what))
        for name in item.rest():
            item.take(name)


def _call(item: Fields) -> ContentBlock:
    arguments = item.text("arguments")
    return ContentBlock(tool_call=ToolCall(item.needed("call_id"), item.needed("name"), arguments))


def _result(item: Fields) -> ContentBlock:
    content = tuple(block for block, _ in blocks_of(item, "output"))
    return ContentBlock(tool_result=ToolResult(item.needed("call_id"), content))


def _words(item: Fields, name: str) -> str:
    words = []
    for part in item.objects(name):
        part.take("type")
        words.append(part.text("text"))
    return "\n\n".join(words)
