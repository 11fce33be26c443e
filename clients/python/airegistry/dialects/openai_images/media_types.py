"""Formats of images, as OpenAI's words and as media types."""

from __future__ import annotations

from typing import Final

_PREFIX: Final = "image/"
_BY_BEGINNING: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"<svg", "image/svg+xml"),
    (b"<?xml", "image/svg+xml"),
)
_DEFAULT: Final = "image/png"


def format_word(media_type: str) -> str:
    """Return OpenAI's word for a media type (`svg` for `image/svg+xml`)."""
    return media_type.partition(";")[0].strip().lower().removeprefix(_PREFIX).removesuffix("+xml")


def media_type_of(word: str) -> str:
    """Return the media type for OpenAI's word, empty for no word."""
    if not word:
        return ""
    return f"{_PREFIX}svg+xml" if word == "svg" else f"{_PREFIX}{word}"


def recognized(data: bytes) -> str:
    """Return the media type that an image's first bytes tell; PNG, the API's default, when they tell none."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for beginning, kind in _BY_BEGINNING if data.startswith(beginning)), _DEFAULT)
