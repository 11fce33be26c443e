"""What a caller of Anthropic's API asks for, in canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from airegistry.errors import FieldViolation
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.invocation import Warning as FieldWarning
from gateway.fronts.anthropic.content import UNKNOWN, Notes
from gateway.fronts.anthropic.options import options_of
from gateway.fronts.anthropic.turns import turns_of
from gateway.fronts.fields import Fields, body_fields


@dataclass(frozen=True, slots=True)
class MessageCall:
    """A call of `/v1/messages`.

    `warnings` names what targets of other formats do not get, `vital` that without which they are not asked.
    """

    model: str
    request: ChatRequest
    stream: bool = False
    warnings: tuple[FieldWarning, ...] = ()
    vital: tuple[FieldViolation, ...] = ()


def read_messages(body: bytes) -> MessageCall:
    """Read the body of a request for a message, or for the count of its tokens.

    Top-level fields without a canonical place go to `extra`. Values are checked for their type here and for their range with
    the canonical request. Raises InvalidArgumentError.
    """
    fields = body_fields(body)
    model = fields.needed("model")
    notes = Notes(_arguments(body))
    messages, options = turns_of(fields, notes), options_of(fields, notes)
    stream = bool(fields.flag("stream"))
    request = ChatRequest(messages=messages, **options, extra=fields.rest() or None)
    return MessageCall(model, request, stream, (*notes.lost, *_unread(fields)), tuple(notes.vital))


def _unread(fields: Fields) -> tuple[FieldWarning, ...]:
    return tuple(FieldWarning(path, UNKNOWN) for path in fields.unread_below())


class _Block(msgspec.Struct):
    input: msgspec.Raw = msgspec.Raw(b"")


class _Message(msgspec.Struct):
    content: str | list[_Block] = ""


class _Body(msgspec.Struct):
    messages: list[_Message]


def _arguments(body: bytes) -> Mapping[str, str]:
    """Return the arguments of the tool calls in a body, by the paths of their blocks, in the bytes in which they stand there."""
    if b'"tool_use"' not in body:
        return {}
    try:
        messages = msgspec.json.decode(body, type=_Body).messages
    except msgspec.DecodeError:
        # Whoever reads the body next names the field that is wrong.
        return {}
    return {
        f"messages[{i}].content[{j}]": bytes(block.input).decode()
        for i, message in enumerate(messages)
        if not isinstance(message.content, str)
        for j, block in enumerate(message.content)
        if block.input
    }
