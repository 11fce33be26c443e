"""Content blocks as the parts of an input message."""

from __future__ import annotations

import base64
from typing import Any

from airegistry.dialects.openai.parts import audio_format, url_of
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.content import ContentBlock, MediaBlock


def part_of(block: ContentBlock, path: str) -> dict[str, Any]:
    """Return the part that says the same. Raises UnsupportedFieldError, with its path, for what this format has not."""
    if block.text is not None:
        return {"type": "input_text", "text": block.text.text}
    if block.image is not None:
        where = _where(block.image, "image_url", f"{path}.image")
        return {"type": "input_image", "detail": block.image.detail or "auto", **where}
    if block.audio is not None:
        return _audio(block.audio, f"{path}.audio")
    if block.file is not None:
        return _file(block.file, f"{path}.file")
    if block.video is not None:
        raise UnsupportedFieldError.of(f"{path}.video", "this format takes no video")
    raise InvalidArgumentError.of(path, "has no content that may stand here")


def _where(media: MediaBlock, name: str, path: str) -> dict[str, str]:
    return {"file_id": media.file_id} if media.file_id is not None else {name: url_of(media, path)}


def _audio(media: MediaBlock, path: str) -> dict[str, Any]:
    if media.data is None:
        raise UnsupportedFieldError.of(path, "this format takes sound as bytes only")
    sound = {"data": base64.b64encode(media.data).decode(), "format": audio_format(media.media_type)}
    return {"type": "input_audio", "input_audio": sound}


def _file(media: MediaBlock, path: str) -> dict[str, Any]:
    part = {"type": "input_file", **_where(media, "file_url" if media.url is not None else "file_data", path)}
    return {**part, "filename": media.filename} if media.filename else part
