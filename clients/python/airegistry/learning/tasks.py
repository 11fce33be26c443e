"""Which calls are alike: what is learned from one counts for the others of its class."""

from __future__ import annotations

from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.estimating import estimated_tokens
from airegistry.invocations.invocation import Invocation

LONG = 4_000
"""From how many input tokens, as estimated, a conversation is a long one."""

_KINDS = ("embeddings", "rerank", "image", "raw", "agent_task")


def task_class(invocation: Invocation, *, stream: bool) -> str:
    """Return the class of a call: one of some fifteen, never anything of what it says.

    Conversations are told apart by tools and length, and whole answers from streams, whose times are others.
    """
    way = "stream" if stream else "whole"
    if invocation.chat is not None:
        return f"{_conversation(invocation.chat)}/{way}"
    kind = next((kind for kind in _KINDS if getattr(invocation, kind) is not None), "any")
    return f"{kind}/{way}"


def _conversation(request: ChatRequest) -> str:
    tools = "-tools" if request.tools else ""
    return f"chat{tools}-long" if estimated_tokens(request) >= LONG else f"chat{tools}"
