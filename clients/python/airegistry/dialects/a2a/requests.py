"""A conversation, or a task, as a message for an agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airegistry.dialects.a2a.parts import JSON, PartWriter
from airegistry.dialects.a2a.states import UNDER_WAY, WAITING
from airegistry.dialects.a2a.voices import EXTENSION
from airegistry.dialects.hints import CHAT_HINTS
from airegistry.dialects.tasks import TaskMessage
from airegistry.errors import FieldViolation, UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, Message, ResponseFormatKind, Role
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.kinds import AgentTaskRequest, AgentTaskState

_UNSAID: Final = "A2A has no place for it; not sent"
_FINAL: Final = frozenset(state.name for state in AgentTaskState if state not in UNDER_WAY and state not in WAITING)
_TEXTS: Final = ("context_id", "task_id", "state", "skill")
_LISTS: Final = ("reference_task_ids", "accepted_output_modes")
_KNOWN: Final = frozenset({*_TEXTS, *_LISTS, "metadata"})


def task_message(request: AgentTaskRequest, tenant: str) -> tuple[TaskMessage, list[FieldWarning]]:
    """Return a task as a message. Raises UnsupportedFieldError for what cannot be said."""
    writer = PartWriter()
    writer.write(request.content, "agent_task.content")
    writer.check()
    message = TaskMessage(
        parts=tuple(writer.parts),
        tenant=tenant,
        context_id=request.context_id,
        task_id=request.task_id,
        accepted_output_modes=request.accepted_output_modes,
        metadata=_metadata(request.metadata, request.skill),
    )
    return message, writer.warnings


def chat_message(request: ChatRequest, tenant: str) -> tuple[TaskMessage, list[FieldWarning]]:
    """Return the last turns of the user as a message: the turns before are the agent's to know, by the context that is named.

    Raises UnsupportedFieldError for what cannot be said and changes what is asked.
    """
    own = _own(request.extra)
    writer = PartWriter()
    for name, why in _needed(request):
        writer.refuse(f"chat.{name}", why)
    _write_turns(request.messages, writer, known=bool(own.get("context_id") or own.get("task_id")))
    writer.check()
    task_id, over = own.get("task_id", ""), own.get("state") in _FINAL
    message = TaskMessage(
        parts=tuple(writer.parts),
        tenant=tenant,
        context_id=own.get("context_id", ""),
        # Nothing can be said to a task that has ended, but the agent can be reminded of it.
        task_id="" if over else task_id,
        reference_task_ids=(*own.get("reference_task_ids", ()), *((task_id,) if over and task_id else ())),
        accepted_output_modes=tuple(own.get("accepted_output_modes", ())) or _modes(request),
        metadata=_metadata(own.get("metadata"), own.get("skill", "")),
    )
    return message, [*writer.warnings, *_losses(request)]


def wants_json(request: ChatRequest) -> bool:
    """Say whether the answer is to be JSON."""
    form = request.response_format
    return form is not None and form.kind is ResponseFormatKind.JSON_OBJECT


def _write_turns(messages: tuple[Message, ...], writer: PartWriter, *, known: bool) -> None:
    last = len(messages)
    while last and messages[last - 1].role is Role.USER:
        last -= 1
    if last == len(messages):
        writer.refuse(f"chat.messages[{max(last - 1, 0)}].role", "an agent answers a message of the user")
    for i, message in enumerate(messages[:last]):
        if message.role is Role.SYSTEM:
            writer.refuse(f"chat.messages[{i}]", "an agent has its own instructions; A2A has no system messages")
    if any(message.role is not Role.SYSTEM for message in messages[:last]):
        if known:
            writer.warnings.append(FieldWarning("chat.messages", "the agent has the earlier turns; not sent again"))
        else:
            why = f"an agent keeps the conversation: send chat.extra.{EXTENSION} of its answer, or one turn of the user"
            writer.refuse("chat.messages", why)
    for i, message in enumerate(messages[last:], last):
        writer.write(message.content, f"chat.messages[{i}].content")
        if message.name:
            writer.warnings.append(FieldWarning(f"chat.messages[{i}].name", _UNSAID))


def _needed(request: ChatRequest) -> Iterator[tuple[str, str]]:
    """Yield what is set, cannot be said, and makes another question of it when it is left out."""
    form = request.response_format
    if request.tools:
        yield "tools", "an agent has its own tools; A2A has no place for others"
    if form is not None and form.kind is ResponseFormatKind.JSON_SCHEMA:
        yield "response_format", "A2A has no place for a schema"
    if request.choice_count not in (None, 1):
        yield "choice_count", "an agent gives one answer"
    if set(request.output_modalities) - {"text"}:
        yield "output_modalities", f"say which media types in chat.extra.{EXTENSION}.accepted_output_modes"


def _losses(request: ChatRequest) -> Iterator[FieldWarning]:
    for name in CHAT_HINTS:
        if getattr(request, name) not in (None, (), ""):
            yield FieldWarning(f"chat.{name}", _UNSAID)
    for name in request.extra or {}:
        if name != EXTENSION:
            yield FieldWarning(f"chat.extra.{name}", _UNSAID)


def _modes(request: ChatRequest) -> tuple[str, ...]:
    if wants_json(request):
        return (JSON,)
    return ("text/plain",) if request.output_modalities else ()


def _metadata(given: Mapping[str, Any] | None, skill: str) -> dict[str, Any]:
    # A2A has no field for the skill that is asked for.
    return {**({"skill": skill} if skill else {}), **(given or {})}


def _own(extra: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return our member of `chat.extra`. Raises UnsupportedFieldError for what is not known in it, or of another form."""
    own = (extra or {}).get(EXTENSION)
    if own is None:
        return {}
    path = f"chat.extra.{EXTENSION}"
    if not isinstance(own, Mapping):
        raise UnsupportedFieldError.of(path, "must be an object")
    violations = [FieldViolation(f"{path}.{name}", "is not known") for name in own if name not in _KNOWN]
    violations += [
        FieldViolation(f"{path}.{name}", f"must be {kind}")
        for name, kind, good in _checked(own)
        if name in own and not good
    ]
    if violations:
        raise UnsupportedFieldError(violations=violations)
    return own


def _checked(own: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    for name in _TEXTS:
        yield name, "a string", isinstance(own.get(name), str)
    for name in _LISTS:
        values = own.get(name)
        listed = isinstance(values, list | tuple) and all(isinstance(value, str) for value in values)
        yield name, "a list of strings", listed
    yield "metadata", "an object", isinstance(own.get("metadata"), Mapping)
