"""What an agent answers, event by event: how its task stands, what it says and what it makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from airegistry.dialects import reading
from airegistry.dialects.a2a.artifacts import Artifacts, Segment
from airegistry.dialects.a2a.parts import Part
from airegistry.dialects.a2a.states import UNDER_WAY, failure_of, parts_of, state_of
from airegistry.dialects.errors import error_within
from airegistry.dialects.events.sse import SSEvent
from airegistry.errors import TruncatedAnswerError
from airegistry.invocations.kinds import AgentTaskState
from airegistry.invocations.streaming import StreamItem, StreamStarted

_KINDS: Final = ("task", "message", "statusUpdate", "artifactUpdate")


class Voice(Protocol):
    """How what an agent says is told to a caller of one kind. `ids` are those of the task and its context, as far as they are known."""

    ids: dict[str, str]

    def said(self, parts: list[Part], state: AgentTaskState) -> list[StreamItem]:
        """Return what the agent says while its task stands so."""
        ...

    def made(self, id_: str, name: str, segments: list[Segment], *, append: bool) -> list[StreamItem]:
        """Return what the agent made, or more of it."""
        ...

    def stands(self, state: AgentTaskState) -> list[StreamItem]:
        """Return that the task stands so, and is under way."""
        ...

    def ends(self, state: AgentTaskState) -> list[StreamItem]:
        """Return how the answer ends."""
        ...


class TaskEvents:
    """The EventReader of one answer, whole or streamed: each event is a message, a task, or what is new of one."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._artifacts = Artifacts()
        self._ids = voice.ids
        self._state: AgentTaskState | None = None
        self._end: list[StreamItem] = []
        self._events = 0

    @property
    def over(self) -> bool:
        """Whether the task has ended, or waits for its caller."""
        return self._state is not None and self._state not in UNDER_WAY

    @property
    def ending(self) -> bool:
        """The same: nothing tells an end before."""
        return self.over

    @property
    def mended(self) -> bool:
        """Never: nothing is relayed."""
        return False

    def take(self, event: SSEvent) -> list[StreamItem]:
        """Return what an event adds. Raises the ProviderError that it means."""
        value = reading.mapping(reading.json_of(event.data, "an event"), "an event")
        if (error := error_within(value)) is not None:
            raise error
        kind = next((name for name in _KINDS if name in value), None)
        if kind is None:
            return []
        payload = reading.nested(value, kind, "event")
        self._events += 1
        return [*self._started(kind, payload), *self._read(kind, payload)]

    def close(self) -> list[StreamItem]:
        """Return how the answer ended. Raises TruncatedAnswerError while the task is under way."""
        if self._state is None or self._state in UNDER_WAY:
            raise TruncatedAnswerError("the agent's answer ended before its task", metadata=self._ids)
        return [*self._end, *self._voice.ends(self._state)]

    def _started(self, kind: str, payload: Mapping[str, Any]) -> list[StreamItem]:
        for name, key in (("task_id", "id" if kind == "task" else "taskId"), ("context_id", "contextId")):
            if id_ := reading.text(payload, key, kind):
                self._ids[name] = id_
        if self._events > 1:
            return []
        return [StreamStarted(self._ids.get("task_id") or reading.text(payload, "messageId", kind))]

    def _read(self, kind: str, payload: Mapping[str, Any]) -> list[StreamItem]:
        match kind:
            case "task":
                return self._task(payload)
            case "statusUpdate":
                return self._status(reading.nested(payload, "status", kind))
            case "artifactUpdate":
                return self._artifact(reading.nested(payload, "artifact", kind), append=payload.get("append") is True)
        return self._message(payload)

    def _message(self, message: Mapping[str, Any]) -> list[StreamItem]:
        # Who answers at once has no task, and nothing to add.
        self._state = AgentTaskState.COMPLETED
        self._end = self._voice.said(parts_of(message), self._state)
        return []

    def _task(self, task: Mapping[str, Any]) -> list[StreamItem]:
        items: list[StreamItem] = []
        # A stream told it already.
        for said in _said_before(task) if self._events == 1 else ():
            items += self._voice.said(said, AgentTaskState.WORKING)
        for artifact in reading.objects(task, "artifacts", "task"):
            items += self._artifact(artifact, append=False)
        return [*items, *self._status(reading.nested(task, "status", "task"))]

    def _artifact(self, artifact: Mapping[str, Any], *, append: bool) -> list[StreamItem]:
        id_, segments, goes_on = self._artifacts.take(artifact, append=append)
        if not segments and goes_on:
            return []
        return self._voice.made(id_, reading.text(artifact, "name", "artifact"), segments, append=goes_on)

    def _status(self, status: Mapping[str, Any]) -> list[StreamItem]:
        state = state_of(status)
        said = parts_of(reading.nested(status, "message", "status"))
        if state is None:
            return self._voice.said(said, AgentTaskState.WORKING)
        if (failure := failure_of(state, said, self._ids)) is not None:
            raise failure
        self._state = state
        if state in UNDER_WAY:
            return [*self._voice.stands(state), *self._voice.said(said, state)]
        self._end = self._voice.said(said, state)
        return []


def _said_before(task: Mapping[str, Any]) -> list[list[Part]]:
    """Return what the agent said since its caller spoke last, as far as the task's history tells."""
    said: list[list[Part]] = []
    for message in reading.objects(task, "history", "task"):
        said = [*said, parts_of(message)] if message.get("role") == "ROLE_AGENT" else []
    return said
