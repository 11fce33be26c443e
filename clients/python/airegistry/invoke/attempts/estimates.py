"""What attempts used that did not come to their end, and what several used together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

from airegistry.dialects.exchange import Input
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.content import ContentBlock
from airegistry.invocations.kinds import AgentTaskRequest
from airegistry.invocations.usage import Usage

_CHARACTERS = 4
"""In a token of English, about."""

_COUNTS = tuple(field.name for field in fields(Usage) if field.name != "estimated")


def estimated(told: Usage | None, request: Input, *, tokens: int, characters: int) -> Usage | None:
    """Return what a cut answer used: what was *told*, else an estimate by what came of it; None when nothing came.

    A count that was told before the end (as that of a first event) is no less than what came after it.
    """
    if not tokens or isinstance(request, AgentTaskRequest):
        return told
    output = max(tokens, characters // _CHARACTERS)
    if told is None:
        return Usage(input_tokens=_input_tokens(request), output_tokens=output, estimated=True)
    if told.output_tokens is None or told.output_tokens < tokens:
        return replace(told, output_tokens=output, estimated=True)
    return told


def summed(usages: Iterable[Usage | None]) -> Usage | None:
    """Return what several used together; a count that none of them gave stays unknown."""
    known = [usage for usage in usages if usage is not None]
    if len(known) <= 1:
        return known[0] if known else None
    counts = {name: [count for usage in known if (count := getattr(usage, name)) is not None] for name in _COUNTS}
    sums = {name: sum(values) for name, values in counts.items() if values}
    return Usage(**sums, estimated=any(usage.estimated for usage in known))


def _input_tokens(request: Input) -> int | None:
    if not isinstance(request, ChatRequest):
        return None
    blocks = [block for message in request.messages for block in message.content]
    if any(block.image or block.audio or block.video or block.file for block in blocks):
        return None
    return sum(map(_characters, blocks)) // _CHARACTERS + len(request.messages)


def _characters(block: ContentBlock) -> int:
    if block.text is not None:
        return len(block.text.text)
    if block.tool_call is not None:
        return len(block.tool_call.arguments)
    if block.tool_result is not None:
        return sum(map(_characters, block.tool_result.content))
    return 0
