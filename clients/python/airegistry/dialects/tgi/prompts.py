"""The one text that a plain-text model goes on with, out of a conversation.

A single text of the user is the prompt as it stands. Everything else needs the chat template of the model, which the endpoint
declares: to make one up would be to ask another question than the caller did.
"""

from __future__ import annotations

from typing import Final

from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock
from airegistry.resources.endpoint import Endpoint

_ROLES: Final = {Role.SYSTEM: "system", Role.USER: "user", Role.ASSISTANT: "assistant"}


def prompt_of(request: ChatRequest, _endpoint: Endpoint) -> str:
    """Return the prompt. Raises UnsupportedFieldError where it takes a chat template and the endpoint declares none."""
    turns = [_turn(message, f"chat.messages[{i}]") for i, message in enumerate(request.messages)]
    if len(turns) == 1 and turns[0]["role"] == "user":
        return turns[0]["content"]
    raise UnsupportedFieldError.of(
        "chat.messages",
        "this format takes one text: more than one turn of the user needs a chat template",
    )


def _turn(message: Message, path: str) -> dict[str, str]:
    role = _ROLES.get(message.role) if message.role is not None else None
    if role is None:
        raise UnsupportedFieldError.of(f"{path}.role", "this format has no tools")
    texts = [_text(block, f"{path}.content[{j}]") for j, block in enumerate(message.content)]
    return {"role": role, "content": "\n".join(text for text in texts if text is not None)}


def _text(block: ContentBlock, path: str) -> str | None:
    """Return the words of a block; None for thoughts, which templates leave out of earlier turns."""
    if block.text is not None:
        return block.text.text
    if block.refusal is not None:
        return block.refusal.text
    if block.thinking is not None:
        return None
    raise UnsupportedFieldError.of(path, "this format takes text only")
