"""The pieces of an answer to a conversation, at declared paths.

Whole answers and streamed items both go through here, so that the same answer comes out the same, streamed or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airegistry.dialects import reading
from airegistry.dialects.custom.finish import reason_of, word_of
from airegistry.dialects.custom.usage import Counter
from airegistry.dialects.openai.tool_calls import ToolCalls
from airegistry.errors import MalformedAnswerError, TruncatedAnswerError
from airegistry.invocations.chat import ChatDelta, FinishReason
from airegistry.invocations.streaming import StreamItem, StreamStarted, UsageSeen
from airegistry.resources.custom.paths import Path

_CALLS = "tool_calls"


class Pieces:
    """What one answer has given so far. A *whole* answer numbers its tool calls by their places."""

    def __init__(self, paths: Mapping[str, Path], reasons: Mapping[str, FinishReason], *, whole: bool) -> None:
        self._paths = paths
        self._reasons = reasons
        self._whole = whole
        self._blocks: dict[object, int] = {}
        self._calls = ToolCalls(0, self._blocks)
        self._named_calls = 0
        self._called = False
        self._counter = Counter(paths)
        self._begun = False
        self._answer_id = ""
        self._word = ""
        self._stop_sequence = ""

    @property
    def ended(self) -> bool:
        """Whether the answer has said why it ended."""
        return bool(self._word)

    def take(self, value: Any) -> list[StreamItem]:
        """Take the next (or only) value and return what it adds, but for the end."""
        items: list[StreamItem] = [] if self._begun else [self._started(value)]
        items.extend(self._words(value))
        items.extend(self._tool_calls(value))
        if (usage := self._counter.take(value)) is not None:
            items.append(UsageSeen(usage))
        self._word = word_of(self._find("finish_reason", value)) or self._word
        self._stop_sequence = self._text("stop_sequence", value) or self._stop_sequence
        return items

    def close(self, *, over: bool) -> list[StreamItem]:
        """Return how the answer ended; *over*: it need not have said why. Raises TruncatedAnswerError when it did not."""
        if not self._begun or not (over or self._word):
            raise TruncatedAnswerError("the answer ended without a finish_reason")
        if self._whole and not self._blocks and not self._word:
            raise MalformedAnswerError("the answer has nothing at the paths that the endpoint declares")
        self._calls.close("answer")
        last = max(len(self._blocks) - 1, 0)
        return [
            ChatDelta(
                0,
                last,
                finish_reason=self._reason(),
                upstream_finish_reason=self._word,
                stop_sequence=self._stop_sequence,
            )
        ]

    def _reason(self) -> FinishReason:
        reason = reason_of(self._word, self._reasons) if self._word else FinishReason.STOP
        if not self._word and self._called:
            return FinishReason.TOOL_CALLS
        return FinishReason.REFUSAL if reason is FinishReason.STOP and "refusal" in self._blocks else reason

    def _started(self, value: Any) -> StreamStarted:
        self._begun = True
        self._answer_id = self._text("id", value)
        created = reading.whole({"created": self._find("created", value)}, "created", "answer")
        return StreamStarted(self._answer_id, self._text("model", value), created)

    def _words(self, value: Any) -> Iterator[ChatDelta]:
        if words := self._text("thinking", value):
            yield ChatDelta(0, self._block("thinking"), thinking=words)
        if words := self._text("refusal", value):
            yield ChatDelta(0, self._block("refusal"), refusal=words)
        if words := self._text("text", value):
            yield ChatDelta(0, self._block("text"), text=words)

    def _tool_calls(self, value: Any) -> Iterator[ChatDelta]:
        found = self._find(_CALLS, value)
        if found is None:
            return
        for place, said in enumerate(found if isinstance(found, list) else [found]):
            at = f"{_CALLS}[{place}]"
            name, id_ = self._text(f"{_CALLS}.name", said), self._text(f"{_CALLS}.id", said)
            function = {"name": name, "arguments": self._find(f"{_CALLS}.arguments", said)}
            index = place if self._whole else self._index(said, name)
            entry = {"id": id_, "function": function}
            if (delta := self._calls.take(entry, at, index=index, answer_id=self._answer_id)) is not None:
                self._called = True
                yield delta

    def _index(self, said: Any, name: str) -> int | None:
        """Return the number of a streamed call: its own, or none where ids tell, or by the names, as they begin calls."""
        self._named_calls += bool(name)
        if f"{_CALLS}.index" in self._paths:
            return reading.whole({"index": self._find(f"{_CALLS}.index", said)}, "index", _CALLS)
        return None if f"{_CALLS}.id" in self._paths else max(self._named_calls - 1, 0)

    def _find(self, name: str, value: Any) -> Any:
        path = self._paths.get(name)
        return None if path is None else path.find(value)

    def _text(self, name: str, value: Any) -> str:
        found = self._find(name, value)
        if found is None:
            return ""
        if isinstance(found, str):
            return found
        if isinstance(found, list) and all(isinstance(piece, str) for piece in found):
            return "".join(found)
        if name in ("id", _CALLS + ".id") and isinstance(found, int):
            return str(found)
        raise MalformedAnswerError(f"what the answer has for {name} is no text")

    def _block(self, key: object) -> int:
        return self._blocks.setdefault(key, len(self._blocks))
