"""Proofs of thoughts, which callers get as `encrypted_content` and send back."""

from __future__ import annotations

from typing import Final

from airegistry.dialects.signatures import RESPONSES, marked, own

_OURS: Final = "airegistry:"
"""Stands before the proof of a provider of another format, so that it is known when it comes back."""


def encrypted_content(signature: str) -> str:
    """Return a signature as callers get it: as it was, when it is of this format."""
    return own(RESPONSES, signature) or (_OURS + signature if signature else "")


def signature_of(encrypted: str) -> str:
    """Return the signature that a caller sends back."""
    return encrypted.removeprefix(_OURS) if of_another_format(encrypted) else marked(RESPONSES, encrypted)


def of_another_format(encrypted: str) -> bool:
    """Say whether a proof is one that no target of this format takes."""
    return encrypted.startswith(_OURS)
