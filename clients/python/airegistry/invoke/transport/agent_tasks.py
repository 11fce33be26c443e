"""Messages for agents as bytes, and what agents answer as the JSON of A2A."""

from __future__ import annotations

import uuid
from typing import Any, Final

import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from airegistry.a2a.v1 import a2a_pb2 as pb
from airegistry.dialects.tasks import TaskMessage, TaskPart
from airegistry.errors import MalformedAnswerError

_SERVICE: Final = "/lf.a2a.v1.A2AService/"
_RUNNING: Final = frozenset({pb.TASK_STATE_UNSPECIFIED, pb.TASK_STATE_SUBMITTED, pb.TASK_STATE_WORKING})


class TaskWire:
    """One message for an agent, and the task that it becomes."""

    whole: Final = f"{_SERVICE}SendMessage"
    streamed: Final = f"{_SERVICE}SendStreamingMessage"
    lingers: Final = True
    """Whether what a call began is known only by its first message."""

    def __init__(self, message: TaskMessage) -> None:
        self._message = message
        self._task_id = ""
        self._runs = False

    def request(self) -> bytes:
        """Return the message as it goes over the wire."""
        told = self._message
        request = pb.SendMessageRequest(
            tenant=told.tenant,
            message=pb.Message(
                # Of its own for each attempt, so that no agent takes a second one for the first.
                message_id=uuid.uuid4().hex,
                context_id=told.context_id,
                task_id=told.task_id,
                role=pb.ROLE_USER,
                parts=[_part(part) for part in told.parts],
                reference_task_ids=told.reference_task_ids,
            ),
            configuration=pb.SendMessageConfiguration(accepted_output_modes=told.accepted_output_modes),
        )
        if told.metadata:
            request.metadata.update(told.metadata)
        return request.SerializeToString()

    def response_json(self, data: bytes) -> bytes:
        """Return a whole answer as JSON. Raises MalformedAnswerError."""
        return self.streamed_json(data)

    def streamed_json(self, data: bytes) -> bytes:
        """Return one message of a stream as JSON. Raises MalformedAnswerError."""
        try:
            event = pb.StreamResponse.FromString(data)
            self._note(event)
            return orjson.dumps(json_format.MessageToDict(event))
        except DecodeError as error:
            raise MalformedAnswerError("the answer is no message of A2A") from error
        except (json_format.Error, RecursionError, TypeError, ValueError) as error:
            raise MalformedAnswerError("the answer has data that JSON cannot hold") from error

    def undo(self) -> tuple[str, bytes] | None:
        """Return the method and the request that end what was begun; None where nothing runs."""
        if not (self._task_id and self._runs):
            return None
        return f"{_SERVICE}CancelTask", pb.CancelTaskRequest(
            tenant=self._message.tenant, id=self._task_id
        ).SerializeToString()

    def _note(self, event: Any) -> None:
        match event.WhichOneof("payload"):
            case "task":
                self._stands(event.task.id, event.task.status.state)
            case "status_update":
                self._stands(event.status_update.task_id, event.status_update.status.state)
            case "artifact_update" if not self._task_id:
                self._stands(event.artifact_update.task_id, pb.TASK_STATE_WORKING)

    def _stands(self, task_id: str, state: int) -> None:
        self._task_id, self._runs = task_id or self._task_id, state in _RUNNING


def _part(part: TaskPart) -> Any:
    message = pb.Part(media_type=part.media_type, filename=part.filename)
    if part.text is not None:
        message.text = part.text
    elif part.raw is not None:
        message.raw = part.raw
    elif part.url is not None:
        message.url = part.url
    elif part.json is not None:
        json_format.ParseDict(orjson.loads(part.json), message.data)
    return message
