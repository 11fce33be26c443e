"""A whole answer as the content of a message."""

from __future__ import annotations

from typing import Any

from airegistry.dialects.anthropic import blocks
from airegistry.invocations.content import ContentBlock, TextBlock


def content_value(content: tuple[ContentBlock, ...], lost: list[str]) -> list[dict[str, Any]]:
    """Return the blocks of a message. What has no place among them is named in *lost*."""
    return [wire for i, block in enumerate(content) if (wire := block_value(block, f"content[{i}]", lost)) is not None]


def block_value(block: ContentBlock, path: str, lost: list[str]) -> dict[str, Any] | None:
    """Return one block, None where the format has no place for it."""
    if block.text is not None:
        if len(blocks.citations_of(block.text)) < len(block.text.annotations):
            lost.append(f"{path}.annotations: those that are no citations have no place in this format")
        return blocks.text_block(block.text)
    if block.thinking is not None:
        # Of a model that signs nothing, a thought has an empty signature; sent back, it is not taken for signed.
        return blocks.thinking_block(block.thinking)
    if block.tool_call is not None:
        wire, proper = blocks.tool_use_block(block.tool_call)
        if not proper:
            lost.append(f"{path}.input: the arguments are no JSON object; here as its member {blocks.INVALID}")
        return wire
    if block.refusal is not None:
        return blocks.text_block(TextBlock(block.refusal.text))
    lost.append(f"{path}: has no place in this format")
    return None
