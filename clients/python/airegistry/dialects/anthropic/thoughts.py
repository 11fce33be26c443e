"""Which earlier thoughts a provider of this format takes back, and a caller's own words without the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from airegistry.dialects.anthropic.variants import Variant
from airegistry.dialects.relaying import relayed
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.content import ThinkingBlock
from airegistry.invocations.invocation import Warning as FieldWarning

_MARK: Final = ":"
"""Stands in no signature of this format, which are base64, and after the name of their provider in those of others."""


def unfit(thinking: ThinkingBlock, variant: Variant) -> str | None:
    """Return why a thought cannot be sent back, None when it can."""
    if _MARK in thinking.signature:
        return "a thought that another provider signed is not sent"
    if thinking.signature or thinking.redacted_data or variant.unsigned_thinking:
        return None
    return "a thought without the provider's signature is not sent"


def without_unfit(wire: bytes, request: ChatRequest, variant: Variant) -> tuple[bytes, list[FieldWarning]]:
    """Return a caller's own words without thoughts that would have them refused: those of whoever stood in before.

    All else keeps its bytes. A turn of which nothing is left is left out; its neighbours are one turn to the provider.
    """
    thoughts = (block.thinking for turn in request.messages for block in turn.content if block.thinking is not None)
    if not any(unfit(thinking, variant) for thinking in thoughts):
        return wire, []
    warnings: list[FieldWarning] = []
    turns = list(_turns(wire, variant, warnings))
    return relayed(wire, ("messages",), {"messages": turns}), warnings


class _Block(msgspec.Struct):
    # Of any type: a block that is no thought may use the same words otherwise.
    type: Any = ""
    thinking: Any = ""
    signature: Any = ""


class _Body(msgspec.Struct):
    messages: list[dict[str, msgspec.Raw]]


def _turns(wire: bytes, variant: Variant, warnings: list[FieldWarning]) -> Iterator[dict[str, msgspec.Raw]]:
    for i, turn in enumerate(msgspec.json.decode(wire, type=_Body).messages):
        content = turn.get("content", msgspec.Raw(b"null"))
        if not bytes(content).lstrip().startswith(b"["):
            yield turn
            continue
        kept = []
        given = msgspec.json.decode(content, type=list[msgspec.Raw])
        for j, block in enumerate(given):
            reason = _reason(block, variant)
            if reason is None:
                kept.append(block)
            else:
                warnings.append(FieldWarning(f"messages[{i}].content[{j}]", reason))
        if kept or not given:
            yield turn if len(kept) == len(given) else {**turn, "content": msgspec.Raw(msgspec.json.encode(kept))}


def _reason(raw: msgspec.Raw, variant: Variant) -> str | None:
    block = msgspec.json.decode(raw, type=_Block)
    if block.type != "thinking":
        return None
    return unfit(ThinkingBlock(str(block.thinking or ""), str(block.signature or "")), variant)
