"""The blocks of an answer, each as it begins, grows and ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airegistry.dialects import reading
from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.content import ContentBlock, TextBlock, ThinkingBlock, ToolCall


class Opened:
    """One block; this kind has no canonical place and gives nothing."""

    lost = True
    is_call = False
    is_answer = False

    def __init__(self, place: int) -> None:
        self._place = place

    def begin(self, _said: Mapping[str, Any]) -> list[ChatDelta]:
        """Return what `content_block_start` brings: all of it, in a message that came whole."""
        return []

    def add(self, _delta: Mapping[str, Any]) -> list[ChatDelta] | None:
        """Return what a delta brings, often nothing; None when it is of a kind that does not belong here."""
        return None

    def close(self) -> list[ChatDelta]:
        """Return what the end of the block brings. May be called again."""
        return []


class _Text(Opened):
    lost = False

    def begin(self, said: Mapping[str, Any]) -> list[ChatDelta]:
        words = reading.text(said, "text", "content_block")
        items = [ChatDelta(0, self._place, text=words)] if words else []
        return [*items, *(self._cited(citation) for citation in reading.objects(said, "citations", "content_block"))]

    def add(self, delta: Mapping[str, Any]) -> list[ChatDelta] | None:
        match delta.get("type"):
            case "text_delta":
                words = reading.text(delta, "text", "delta")
                return [ChatDelta(0, self._place, text=words)] if words else []
            case "citations_delta":
                return [self._cited(reading.nested(delta, "citation", "delta"))]
        return None

    def _cited(self, citation: Mapping[str, Any]) -> ChatDelta:
        return ChatDelta(0, self._place, block=ContentBlock(text=TextBlock(annotations=(citation,))))


class _Thinking(Opened):
    lost = False

    def begin(self, said: Mapping[str, Any]) -> list[ChatDelta]:
        items = []
        if words := reading.text(said, "thinking", "content_block"):
            items.append(ChatDelta(0, self._place, thinking=words))
        if signature := reading.text(said, "signature", "content_block"):
            items.append(ChatDelta(0, self._place, thinking_signature=signature))
        return items

    def add(self, delta: Mapping[str, Any]) -> list[ChatDelta] | None:
        match delta.get("type"):
            case "thinking_delta":
                words = reading.text(delta, "thinking", "delta")
                return [ChatDelta(0, self._place, thinking=words)] if words else []
            case "signature_delta":
                signature = reading.text(delta, "signature", "delta")
                return [ChatDelta(0, self._place, thinking_signature=signature)] if signature else []
        return None


class _Redacted(Opened):
    lost = False

    def begin(self, said: Mapping[str, Any]) -> list[ChatDelta]:
        # Opaque text, kept as it is: what goes back must be the same to the byte.
        data = reading.text(said, "data", "content_block").encode(errors="surrogateescape")
        return [ChatDelta(0, self._place, block=ContentBlock(thinking=ThinkingBlock(redacted_data=data)))]


class _ToolUse(Opened):
    """A tool call. One without any arguments has the empty object for them, streamed or not."""

    lost = False
    is_call = True

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self._told = False

    def begin(self, said: Mapping[str, Any]) -> list[ChatDelta]:
        arguments = self._given(said)
        call = ToolCall(
            reading.text(said, "id", "content_block"), reading.text(said, "name", "content_block"), arguments
        )
        return [ChatDelta(0, self._place, tool_call_start=call)]

    def add(self, delta: Mapping[str, Any]) -> list[ChatDelta] | None:
        if delta.get("type") != "input_json_delta":
            return None
        words = reading.text(delta, "partial_json", "delta")
        return [self._more(words)] if words else []

    def close(self) -> list[ChatDelta]:
        return [] if self._told else [self._more("{}")]

    def _more(self, arguments: str) -> ChatDelta:
        self._told = True
        return ChatDelta(0, self._place, tool_call_arguments=arguments)

    def _given(self, said: Mapping[str, Any]) -> str:
        """Return the arguments that came with the beginning; an empty object there means that they follow."""
        given = said.get("input")
        if not given:
            return ""
        self._told = True
        return given if isinstance(given, str) else reading.json_text(given)


class _Answer(_ToolUse):
    """A call of the tool by which JSON was asked for: its arguments are the text of the answer."""

    is_answer = True

    def begin(self, said: Mapping[str, Any]) -> list[ChatDelta]:
        words = self._given(said)
        return [ChatDelta(0, self._place, text=words)] if words else []

    def _more(self, arguments: str) -> ChatDelta:
        self._told = True
        return ChatDelta(0, self._place, text=arguments)


_KINDS: dict[str, type[Opened]] = {
    "text": _Text,
    "thinking": _Thinking,
    "redacted_thinking": _Redacted,
    "tool_use": _ToolUse,
}


def opened(said: Mapping[str, Any], kind: str, place: int, answer_tool: str) -> Opened:
    """Return the block that begins, at its canonical place."""
    if kind == "tool_use" and answer_tool and said.get("name") == answer_tool:
        return _Answer(place)
    return _KINDS.get(kind, Opened)(place)
