"""Signatures of thoughts, marked as Gemini's: no other provider takes them back, and Gemini takes nobody else's."""

from __future__ import annotations

from typing import Final

_MARK: Final = "gemini:"


def marked(signature: str) -> str:
    """Return a signature of Gemini's as callers get it."""
    return _MARK + signature if signature else ""


def own(signature: str) -> str | None:
    """Return what Gemini signed with, None when it was somebody else, or nobody."""
    return signature.removeprefix(_MARK) if signature.startswith(_MARK) else None
