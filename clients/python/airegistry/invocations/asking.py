"""The invocation that most callers mean: one model, one question."""

from __future__ import annotations

from typing import Any

from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.invocation import Invocation


def ask(model: str, prompt: str, *, system: str = "", **options: Any) -> Invocation:
    """Build the invocation that asks *model* one question. *options* are fields of ChatRequest (`max_output_tokens=16`).

    The text of the answer is `response.chat.text`.
    """
    turns = [(Role.SYSTEM, system)] if system else []
    messages = tuple(_message(role, text) for role, text in [*turns, (Role.USER, prompt)])
    return Invocation(model=model, chat=ChatRequest(messages=messages, **options))


def _message(role: Role, text: str) -> Message:
    return Message(role=role, content=(ContentBlock(text=TextBlock(text=text)),))
