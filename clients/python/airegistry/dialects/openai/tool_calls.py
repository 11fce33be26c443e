"""Tool calls of one choice, put together from what servers send of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airegistry.dialects import reading
from airegistry.errors import MalformedAnswerError
from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.content import ToolCall


class _Call:
    __slots__ = ("arguments", "block", "id", "index", "name")

    def __init__(self, index: int | None, id_: str) -> None:
        self.index = index
        self.id = id_
        self.name = ""
        self.arguments = ""
        self.block: int | None = None


class ToolCalls:
    """The calls so far. Deltas of parallel calls may interleave; `index` tells them apart, or the id where there is none.

    *blocks* are the numbers of the choice's blocks; a call that begins gets the next one.
    """

    def __init__(self, choice: int, blocks: dict[object, int]) -> None:
        self._choice = choice
        self._blocks = blocks
        self._calls: list[_Call] = []
        self.mended = False
        """Whether an entry since this was last set to False lacked a number or an id."""

    def take(self, said: Mapping[str, Any], path: str, *, index: int | None, answer_id: str) -> ChatDelta | None:
        """Take one entry of `tool_calls` and return what it adds. *index* is given where the entry's own means nothing."""
        function = said.get("function")
        if function is None:
            raise MalformedAnswerError(f"{path} calls no function")
        function = reading.mapping(function, f"{path}.function")
        name = reading.text(function, "name", path)
        if index is None:
            index = reading.whole(said, "index", path)
        call = self._call(index, reading.text(said, "id", path), name)
        # A few servers repeat the name in each delta; only the first one begins the call.
        call.name = call.name or name
        self.mended = self.mended or not (call.id and index == self._calls.index(call))
        return self._advance(call, _arguments(function, path), answer_id)

    def close(self, path: str) -> None:
        """Check that every call had a name."""
        if any(call.block is None for call in self._calls):
            raise MalformedAnswerError(f"{path}: a tool call has no name")

    def _call(self, index: int | None, id_: str, name: str) -> _Call:
        call = self._known(index, id_, name)
        if call is None:
            call = _Call(index, id_)
            self._calls.append(call)
        call.id = call.id or id_
        return call

    def _known(self, index: int | None, id_: str, name: str) -> _Call | None:
        for call in reversed(self._calls):
            if index is not None:
                if call.index == index:
                    # Some servers number every call 0: another id with a name begins another call.
                    return None if name and id_ and call.id and id_ != call.id else call
            elif not id_ or call.id == id_:
                return call
        return None

    def _advance(self, call: _Call, arguments: str, answer_id: str) -> ChatDelta | None:
        if call.block is not None:
            return ChatDelta(self._choice, call.block, tool_call_arguments=arguments) if arguments else None
        call.arguments += arguments
        # A call begins with its whole name; what came before is held back.
        if not call.name:
            return None
        call.block = self._blocks.setdefault(call, len(self._blocks))
        call.id = call.id or self._made_id(call, answer_id)
        return ChatDelta(self._choice, call.block, tool_call_start=ToolCall(call.id, call.name, call.arguments))

    def _made_id(self, call: _Call, answer_id: str) -> str:
        """Make an id for a call that came without one: the same for the same answer, another in the next turn."""
        answer = re.sub(r"[^A-Za-z0-9_-]", "-", answer_id) or "0"
        return f"call_{answer}_{self._choice}_{self._calls.index(call)}"


def _arguments(function: Mapping[str, Any], path: str) -> str:
    arguments = function.get("arguments")
    if isinstance(arguments, dict):
        # Ollama's habit, which some bridges pass on.
        return reading.json_text(arguments)
    return reading.text(function, "arguments", path)
