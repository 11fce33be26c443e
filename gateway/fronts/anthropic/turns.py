"""Anthropic's system prompt and messages as turns of a conversation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from airegistry.invocations.chat import Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from gateway.fronts.anthropic.content import Notes, blocks_of, several
from gateway.fronts.fields import Fields, wrong

_ROLES: Final = {"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM}


def turns_of(body: Fields, notes: Notes) -> tuple[Message, ...]:
    """Return the conversation of a request: the system prompt first, then its messages.

    A turn of which nothing has a canonical place is left out, and noted.
    """
    turns = [Message(Role.SYSTEM, system)] if (system := _system(body, notes)) else []
    asked = [turn for fields in body.objects("messages") for turn in _turns(fields, notes)]
    if not body.items("messages"):
        raise wrong("messages", "is required and must not be empty")
    return (*turns, *asked)


def _system(body: Fields, notes: Notes) -> tuple[ContentBlock, ...]:
    system = body.take("system")
    if isinstance(system, str):
        return (ContentBlock(text=TextBlock(system)),) if system else ()
    return tuple(several(body, "system", notes, vital=True))


def _turns(fields: Fields, notes: Notes) -> Iterator[Message]:
    word = fields.needed("role")
    role = _ROLES.get(word)
    if role is None:
        raise wrong(fields.at("role"), f"{word[:40]!r} is not one of {', '.join(_ROLES)}")
    # What was said before by the model or its provider can be left out of a prompt; what the user says cannot.
    content = tuple(blocks_of(fields, notes, vital=role is not Role.ASSISTANT))
    results = tuple(block for block in content if block.tool_result is not None)
    rest = tuple(block for block in content if block.tool_result is None)
    if results and role is not Role.USER:
        raise wrong(fields.at("content"), "only the user brings results of tools")
    if results:
        yield Message(Role.TOOL, results)
    if rest or role is Role.ASSISTANT:
        yield Message(role, rest)
    elif not results:
        notes.lose(fields.path)
