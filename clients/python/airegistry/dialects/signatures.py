"""Signatures of thoughts, marked with the format that they are of: no provider takes another one's back.

A mark ends with a colon, which base64 has not; Anthropic's signatures have none.
"""

from __future__ import annotations

from typing import Final

GEMINI: Final = "gemini:"
RESPONSES: Final = "openai.responses:"


def marked(mark: str, signature: str) -> str:
    """Return a provider's signature as callers get it."""
    return mark + signature if signature else ""


def own(mark: str, signature: str) -> str | None:
    """Return what a provider signed with, None when it was somebody else, or nobody."""
    return signature.removeprefix(mark) if signature.startswith(mark) else None
