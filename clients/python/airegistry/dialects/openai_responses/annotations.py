"""Annotations of a text, which chat completions nest and the Responses API does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "url_citation": ("url", "title", "start_index", "end_index"),
    "file_citation": ("file_id", "filename", "index"),
    "container_file_citation": ("container_id", "file_id", "filename", "start_index", "end_index"),
    "file_path": ("file_id", "index"),
}
"""The kinds of the Responses API, and what each must have."""


def annotation_of(annotation: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return an annotation as the Responses API has it, None for one of a kind that it has not."""
    kind = annotation.get("type")
    needed = _NEEDED.get(kind) if isinstance(kind, str) else None
    if needed is None:
        return None
    inner = annotation.get(str(kind))
    flat = {"type": kind, **inner} if isinstance(inner, Mapping) else annotation
    return flat if all(name in flat for name in needed) else None
