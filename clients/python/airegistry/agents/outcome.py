"""What became of a task."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from airegistry.invocations.chat import ChatResponse, FinishReason
from airegistry.invocations.content import ContentBlock, MediaBlock
from airegistry.invocations.invocation import InvokeResponse, Settlement
from airegistry.invocations.kinds import AgentArtifact, AgentTaskResponse, AgentTaskState

_NOBODY = Settlement()
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a task stands, what was said and made, and the account of it. `done` is False where it waits for its caller."""

    state: AgentTaskState | None
    content: tuple[ContentBlock, ...] = ()
    artifacts: tuple[AgentArtifact, ...] = ()
    task_id: str = ""
    context_id: str = ""
    settlement: Settlement = _NOBODY

    @property
    def done(self) -> bool:
        """Whether the task is done, and not only waits for input or credentials."""
        return self.state is AgentTaskState.COMPLETED

    @property
    def by(self) -> str:
        """Who did it: the full name of an agent, or of an endpoint."""
        return self.settlement.target

    @property
    def text(self) -> str:
        """The texts of what was made, a line between two artifacts; else of what was said; else its data, as JSON."""
        made = [_text(artifact.content) for artifact in self.artifacts]
        texts = [text for text in (*made, *(() if any(made) else (_text(self.content),))) if text]
        return "\n".join(texts or [(file.data or b"").decode() for file in self._data()])

    @property
    def data(self) -> tuple[Any, ...]:
        """The data among what was made and said, as values of JSON."""
        return tuple(json.loads(file.data or b"null") for file in self._data())

    @property
    def files(self) -> tuple[MediaBlock, ...]:
        """The media among what was made and said, data included: they are files of JSON without a name."""
        blocks = [block for artifact in self.artifacts for block in artifact.content]
        each = (block.image or block.audio or block.video or block.file for block in (*blocks, *self.content))
        return tuple(media for media in each if media is not None)

    def _data(self) -> list[MediaBlock]:
        return [file for file in self.files if file.media_type == _JSON and not file.filename and file.data is not None]


def result_of(response: InvokeResponse) -> TaskResult:
    """Return what an agent, or a model that was asked in its place, answered."""
    settlement = response.settlement or _NOBODY
    if response.agent_task is not None:
        return of_task(response.agent_task, settlement)
    return of_chat(response.chat or ChatResponse(), settlement)


def of_task(task: AgentTaskResponse, settlement: Settlement) -> TaskResult:
    """Return what an agent answered."""
    return TaskResult(task.state, task.content, task.artifacts, task.task_id, task.context_id, settlement)


def of_chat(chat: ChatResponse, settlement: Settlement) -> TaskResult:
    """Return what a model answered: done, unless it was cut."""
    choice = chat.choices[0] if chat.choices else None
    content = choice.message.content if choice is not None and choice.message is not None else ()
    ended = choice is not None and choice.finish_reason is FinishReason.STOP
    return TaskResult(AgentTaskState.COMPLETED if ended else None, content, settlement=settlement)


def _text(content: Iterable[ContentBlock]) -> str:
    return "".join(block.text.text for block in content if block.text is not None)
