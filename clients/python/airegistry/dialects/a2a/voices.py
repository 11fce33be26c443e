"""What an agent says and makes, as an answer to a conversation or to a task."""

from __future__ import annotations

from airegistry.dialects.a2a.artifacts import Segment
from airegistry.dialects.a2a.parts import Part, block_of, blocks_of, text_of
from airegistry.dialects.a2a.states import UNDER_WAY, WAITING, word_of
from airegistry.invocations.chat import ChatDelta, FinishReason
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.kinds import AgentArtifact, AgentTaskResponse, AgentTaskState
from airegistry.invocations.streaming import ExtraSeen, StreamItem

EXTENSION = "a2a"
"""The member of `chat.extra`, in requests and answers, that says which conversation and task it is."""


class ChatVoice:
    """Tells a caller who asked as one asks a model.

    The answer is what the agent made and what it says in the end, a block for each artifact and each part that is no text; what
    it says on the way is thinking. With *data_as_text*, JSON is text, as it is from models that were asked for JSON.
    """

    def __init__(self, *, data_as_text: bool = False) -> None:
        self.ids: dict[str, str] = {}
        self._data_as_text = data_as_text
        self._blocks = 0
        self._open: dict[str, int | None] = {}
        self._warned = False

    def said(self, parts: list[Part], state: AgentTaskState) -> list[StreamItem]:
        """Return thoughts while the task is under way, else the last part of the answer."""
        if state in UNDER_WAY:
            texts = [text for part in parts if (text := text_of(part))]
            lost = self._lost() if len(texts) < len(parts) else []
            return [*lost, *([ChatDelta(block_index=self._next(), thinking="\n".join(texts))] if texts else [])]
        items: list[StreamItem] = []
        block: int | None = None
        for part in parts:
            delta, block = self._delta(part, block)
            items.append(delta)
        return items

    def made(self, id_: str, name: str, segments: list[Segment], *, append: bool) -> list[StreamItem]:  # noqa: ARG002 - a conversation has no place for it
        """Return pieces of the answer: texts of one artifact go into one block for as long as nothing else comes between."""
        items: list[StreamItem] = []
        if not append and id_ in self._open:
            # What was passed on cannot be taken back.
            items.append(FieldWarning("a2a.artifacts", "the agent replaced what it made; both are in the answer"))
        block = self._open.get(id_) if append else None
        for segment in segments:
            delta, block = self._delta(segment, block)
            items.append(delta)
        self._open[id_] = block
        return items

    def stands(self, state: AgentTaskState) -> list[StreamItem]:  # noqa: ARG002 - as above
        """Return nothing: a conversation has no place for it."""
        return []

    def ends(self, state: AgentTaskState) -> list[StreamItem]:
        """Return why it ended, and what the caller sends back to go on."""
        reason = FinishReason.OTHER if state in WAITING else FinishReason.STOP
        end = ChatDelta(finish_reason=reason, upstream_finish_reason=word_of(state))
        return [end, ExtraSeen({EXTENSION: {**self.ids, "state": state.name}})]

    def _delta(self, segment: Segment, block: int | None) -> tuple[ChatDelta, int | None]:
        """Return a piece, and the block of text that is open after it."""
        text = segment if isinstance(segment, str) else self._text(segment)
        if text is not None:
            block = self._next() if block is None else block
            return ChatDelta(block_index=block, text=text), block
        assert not isinstance(segment, str)  # noqa: S101 - that was a text
        return ChatDelta(block_index=self._next(), block=block_of(segment)), None

    def _text(self, part: Part) -> str | None:
        if "data" in part and self._data_as_text:
            file = block_of(part).file
            return (file.data or b"").decode() if file is not None else None
        return text_of(part)

    def _next(self) -> int:
        self._blocks += 1
        return self._blocks - 1

    def _lost(self) -> list[StreamItem]:
        if self._warned:
            return []
        self._warned = True
        return [FieldWarning("a2a.status", "what the agent showed on the way beside texts is left out")]


class TaskVoice:
    """Tells a caller who gave a task."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self._state: AgentTaskState | None = None
        self._last: tuple[ContentBlock, ...] = ()

    def said(self, parts: list[Part], state: AgentTaskState) -> list[StreamItem]:
        """Return what the agent says; what it says in the end comes with the end."""
        blocks = blocks_of(parts)
        if state not in UNDER_WAY:
            self._last = blocks
            return []
        return [self._stands(content=blocks)] if blocks else []

    def made(self, id_: str, name: str, segments: list[Segment], *, append: bool) -> list[StreamItem]:
        """Return what the agent made."""
        content = tuple(
            ContentBlock(text=TextBlock(segment)) if isinstance(segment, str) else block_of(segment)
            for segment in segments
        )
        return [self._stands(artifacts=(AgentArtifact(id_, name, content, append),))]

    def stands(self, state: AgentTaskState) -> list[StreamItem]:
        """Return that it stands so, where that is news."""
        news, self._state = state is not self._state, state
        return [self._stands()] if news else []

    def ends(self, state: AgentTaskState) -> list[StreamItem]:
        """Return how the task stands in the end."""
        self._state = state
        return [self._stands(content=self._last)]

    def _stands(
        self, *, content: tuple[ContentBlock, ...] = (), artifacts: tuple[AgentArtifact, ...] = ()
    ) -> AgentTaskResponse:
        ids = self.ids
        return AgentTaskResponse(ids.get("task_id", ""), ids.get("context_id", ""), self._state, content, artifacts)
