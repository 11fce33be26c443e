"""The tasks of an agent of one's own, while they run and for a while after."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Any, Final

from google.protobuf import json_format

from airegistry.a2a.v1 import a2a_pb2 as pb
from airegistry.agents.work import Piece, pieces_of
from airegistry.dialects.a2a.numbers import with_whole_numbers

log = logging.getLogger(__name__)

_KEPT: Final = 256
"""Tasks that have ended and can still be asked for."""
_KEPT_BYTES: Final = 64 * 1024 * 1024
"""What their answers may hold together; the newest is kept, whatever it holds."""
_LARGEST: Final = 24 * 1024 * 1024
"""Bytes at most of one answer: what a caller takes in one message, with room for what is around it."""
_ARTIFACT: Final = "answer"

Tracked = Callable[[], AbstractContextManager[None]]
"""Counts a task for the length of it."""


class UnreadableTaskError(Exception):
    """The task has a part that a method cannot be given."""


class TaskBook:
    """The tasks of one agent: at most *most* run at once."""

    def __init__(self, work: Callable[[str], Any], *, most: int, tracked: Tracked) -> None:
        self._work = work
        self._most = most
        self._tracked = tracked
        self._tasks: OrderedDict[str, RunningTask] = OrderedDict()

    def get(self, id_: str) -> RunningTask | None:
        """Return a task; None where it is not known, or no more."""
        return self._tasks.get(id_)

    def begin(self, message: Any) -> RunningTask | None:
        """Begin a task; None where too many are running."""
        if sum(not task.over for task in self._tasks.values()) >= self._most:
            return None
        self._forget()
        task = RunningTask(message)
        self._tasks[task.id] = task
        task.start(self._work, self._tracked)
        return task

    async def close(self) -> None:
        """Cancel what runs; nothing begins any more."""
        self._most = 0
        for task in [task for task in self._tasks.values() if not task.over]:
            await task.cancel()

    def _forget(self) -> None:
        over = [task for task in self._tasks.values() if task.over]
        held = sum(task.size for task in over)
        while len(over) >= _KEPT or (held > _KEPT_BYTES and len(over) > 1):
            oldest = over.pop(0)
            held -= oldest.size
            del self._tasks[oldest.id]


class RunningTask:
    """One task: what it is, how it stands, and what it gave so far."""

    def __init__(self, message: Any) -> None:
        self.id = str(uuid.uuid4())
        self._context_id = message.context_id or str(uuid.uuid4())
        self._message = message
        self.size = 0
        self._status = pb.TaskStatus(state=pb.TASK_STATE_SUBMITTED)
        self._parts: list[Any] = []
        self._grew = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._status.state not in (pb.TASK_STATE_SUBMITTED, pb.TASK_STATE_WORKING)

    def start(self, work: Callable[[str], Any], tracked: Tracked) -> None:
        """Begin the work; whoever holds the task ends it."""
        self._running = asyncio.create_task(self._work(work, tracked), name=f"agent task {self.id}")

    async def ended(self) -> None:
        """Wait for the end. Who gives up waiting does not end the task."""
        while not self.over:
            await self._grew.wait()

    async def cancel(self) -> None:
        """End the task before its time."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        # A task that was cancelled before it began never came to say so.
        if not self.over:
            self._stands(pb.TASK_STATE_CANCELED)

    def as_message(self) -> Any:
        """Return the task as a message of A2A, with all that it gave so far."""
        made = [pb.Artifact(artifact_id=_ARTIFACT, parts=self._parts)] if self._parts else []
        return pb.Task(id=self.id, context_id=self._context_id, status=self._status, artifacts=made)

    async def events(self) -> AsyncIterator[Any]:
        """Yield what happens to the task up to its end, as messages of a stream."""
        ids: dict[str, Any] = {"task_id": self.id, "context_id": self._context_id}
        # Taken before it is told: by the time that the caller has it, the task may have ended.
        said, state = 0, self._status.state
        yield pb.StreamResponse(task=pb.Task(id=self.id, context_id=self._context_id, status=self._status))
        while True:
            grew = self._grew
            if said < len(self._parts):
                artifact = pb.Artifact(artifact_id=_ARTIFACT, parts=self._parts[said:])
                update = pb.TaskArtifactUpdateEvent(**ids, artifact=artifact, append=said > 0)
                said = len(self._parts)
                yield pb.StreamResponse(artifact_update=update)
            elif self._status.state != state:
                state = self._status.state
                yield pb.StreamResponse(status_update=pb.TaskStatusUpdateEvent(**ids, status=self._status))
            elif self.over:
                return
            else:
                await grew.wait()

    async def _work(self, work: Callable[[str], Any], tracked: Tracked) -> None:
        try:
            with tracked():
                self._stands(pb.TASK_STATE_WORKING)
                async for piece in pieces_of(work, _text_of(self._message)):
                    self._add(_part(piece))
            self._stands(pb.TASK_STATE_COMPLETED)
        except asyncio.CancelledError:
            self._stands(pb.TASK_STATE_CANCELED)
            raise
        except UnreadableTaskError as error:
            self._stands(pb.TASK_STATE_REJECTED, str(error))
        except Exception as error:
            # Its text may hold whatever the method worked with; that is the agent's own business, and in its log.
            log.exception("task %s failed", self.id)
            self._stands(pb.TASK_STATE_FAILED, f"the agent failed: {type(error).__name__}")

    def _add(self, part: Any) -> None:
        self.size += part.ByteSize()
        if self.size > _LARGEST:
            raise ValueError(f"the answer has more than {_LARGEST} bytes")
        self._parts.append(part)
        self._wake()

    def _stands(self, state: Any, words: str = "") -> None:
        message = pb.Message(message_id=str(uuid.uuid4()), role=pb.ROLE_AGENT, parts=[pb.Part(text=words)])
        self._status = pb.TaskStatus(state=state, message=message if words else None)
        self._wake()

    def _wake(self) -> None:
        grew, self._grew = self._grew, asyncio.Event()
        grew.set()


def _text_of(message: Any) -> str:
    """Return a message as the text that a method gets: texts, and data as JSON. Raises UnreadableTaskError."""
    texts = []
    for part in message.parts:
        match part.WhichOneof("content"):
            case "text":
                texts.append(part.text)
            case "data":
                texts.append(json.dumps(with_whole_numbers(json_format.MessageToDict(part.data)), ensure_ascii=False))
            case _:
                raise UnreadableTaskError("this agent takes texts and JSON, no files")
    return "\n".join(texts)


def _part(piece: Piece) -> Any:
    if isinstance(piece, str):
        return pb.Part(text=piece)
    if isinstance(piece, bytes):
        return pb.Part(raw=piece, media_type="application/octet-stream")
    part = pb.Part(media_type="application/json")
    data: Any = piece
    json_format.ParseDict(data, part.data)
    return part
