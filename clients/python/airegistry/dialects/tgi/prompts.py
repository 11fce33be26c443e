"""The one text that a plain-text model goes on with, out of a conversation.

A single text of the user is the prompt as it stands. Everything else needs the chat template of the model, which the endpoint
declares: to make one up would be to ask another question than the caller did.
"""

from __future__ import annotations

from airegistry.dialects.custom.context import context_of
from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock
from airegistry.resources.custom.template import TemplateError, compile_template
from airegistry.resources.endpoint import Endpoint


def prompt_of(request: ChatRequest, endpoint: Endpoint, *, stream: bool) -> str:
    """Return the prompt. Raises UnsupportedFieldError where it takes a chat template and the endpoint declares none."""
    texts = [_words(message, f"chat.messages[{i}]") for i, message in enumerate(request.messages)]
    custom = endpoint.communication.custom if endpoint.communication is not None else None
    if custom is not None and custom.request_template:
        return _rendered(custom.request_template, request, endpoint, stream=stream)
    if len(texts) == 1 and request.messages[0].role is Role.USER:
        return texts[0]
    raise UnsupportedFieldError.of(
        "chat.messages",
        "this format takes one text: more than one turn of the user needs the model's chat template, which the endpoint "
        "can declare as communication.custom.request_template",
    )


def _words(message: Message, path: str) -> str:
    if message.role is Role.TOOL:
        raise UnsupportedFieldError.of(f"{path}.role", "this format has no tools")
    texts = [_text(block, f"{path}.content[{j}]") for j, block in enumerate(message.content)]
    return "\n".join(text for text in texts if text is not None)


def _text(block: ContentBlock, path: str) -> str | None:
    """Return the words of a block; None for thoughts, which are no part of earlier turns."""
    if block.text is not None:
        return block.text.text
    if block.refusal is not None:
        return block.refusal.text
    if block.thinking is not None:
        return None
    raise UnsupportedFieldError.of(path, "this format takes text only")


def _rendered(source: str, request: ChatRequest, endpoint: Endpoint, *, stream: bool) -> str:
    try:
        template = compile_template(source)
        if not _writes(request, template.variables):
            raise UnsupportedFieldError.of("chat.messages", "the endpoint's chat template does not write all of them")
        return template.render(context_of(request, endpoint.upstream_model, stream=stream))
    except TemplateError as error:
        raise UnsupportedFieldError.of(
            "chat.messages", f"the endpoint's chat template does not take them: {error}"
        ) from error


def _writes(request: ChatRequest, variables: frozenset[str]) -> bool:
    """Whether a template that mentions *variables* writes every turn of a conversation."""
    roles = [message.role for message in request.messages]
    if "messages" in variables:
        return True
    turns = len(roles) - roles.count(Role.SYSTEM)
    return ("system" in variables or Role.SYSTEM not in roles) and ("turns" in variables or turns <= 1)
