"""Blocks and turns of conversations, in as few words as a test wants."""

from typing import Any

from airegistry.invocations.chat import Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock


def text(words: str, **fields: Any) -> ContentBlock:
    return ContentBlock(text=TextBlock(words), **fields)


def turn(role: Role, *blocks: ContentBlock | str) -> Message:
    return Message(role, tuple(text(block) if isinstance(block, str) else block for block in blocks))
