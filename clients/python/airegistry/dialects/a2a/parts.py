"""Content as parts of a message of A2A, and parts as content."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import orjson

from airegistry.dialects import reading
from airegistry.dialects.a2a.numbers import EXACT, with_whole_numbers
from airegistry.dialects.tasks import TaskPart
from airegistry.errors import FieldViolation, MalformedAnswerError, UnsupportedFieldError
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock
from airegistry.invocations.invocation import Warning as FieldWarning

JSON: Final = "application/json"
_MEDIA: Final = ("image", "audio", "video", "file")
_DEEPEST: Final = 20
"""Each level of its JSON is three of its messages, which parsers take a hundred of."""

Part = Mapping[str, Any]


class PartWriter:
    """Writes blocks, which stand at *path*, as parts, and notes what of them cannot be said."""

    def __init__(self) -> None:
        self.parts: list[TaskPart] = []
        self.warnings: list[FieldWarning] = []
        self._refused: list[FieldViolation] = []

    def write(self, blocks: tuple[ContentBlock, ...], path: str) -> None:
        """Add the blocks of a message."""
        for i, block in enumerate(blocks):
            self._write(block, f"{path}[{i}]")

    def refuse(self, path: str, why: str) -> None:
        """Note what must not be left out and cannot be said."""
        self._refused.append(FieldViolation(path, why))

    def check(self) -> None:
        """Raise UnsupportedFieldError for all that was refused."""
        if self._refused:
            raise UnsupportedFieldError(violations=self._refused)

    def _write(self, block: ContentBlock, path: str) -> None:
        if block.cache_control:
            self.warnings.append(FieldWarning(f"{path}.cache_control", "A2A has no place for it; not sent"))
        if block.text is not None:
            self.parts.append(TaskPart(text=block.text.text, media_type="text/plain"))
            if block.text.annotations:
                self.warnings.append(FieldWarning(f"{path}.text.annotations", "A2A has no place for them; not sent"))
            return
        kind = next((name for name in _MEDIA if getattr(block, name) is not None), None)
        if kind is not None:
            self._write_media(getattr(block, kind), f"{path}.{kind}")
            return
        if block.thinking is not None:
            self.warnings.append(FieldWarning(f"{path}.thinking", "A2A has no place for thoughts; not sent"))
            return
        name = next(name for name in ("tool_call", "tool_result", "refusal") if getattr(block, name) is not None)
        self.refuse(f"{path}.{name}", "A2A has no place for it")

    def _write_media(self, media: MediaBlock, path: str) -> None:
        if media.file_id is not None:
            self.refuse(f"{path}.file_id", "A2A knows no uploaded files: send the bytes or a URL")
        if media.detail:
            self.warnings.append(FieldWarning(f"{path}.detail", "A2A has no place for it; not sent"))
        if media.data is not None and media.media_type == JSON and not media.filename and _is_exact(media.data):
            self.parts.append(TaskPart(json=media.data, media_type=JSON))
        else:
            part = TaskPart(raw=media.data, url=media.url, media_type=media.media_type, filename=media.filename)
            self.parts.append(part)


def _is_exact(data: bytes) -> bool:
    """Say whether bytes are JSON that arrives as it was sent, when every number is a double."""
    try:
        return _holds(reading.json_of(data, "the file"), _DEEPEST)
    except MalformedAnswerError:
        return False


def _holds(value: Any, levels: int) -> bool:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return levels > 0 and all(_holds(one, levels - 1) for one in inner)
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or abs(value) <= EXACT


def text_of(part: Part) -> str | None:
    """Return the text of a part; None of one that is something else."""
    return reading.text(part, "text", "part") if "text" in part else None


def block_of(part: Part) -> ContentBlock:
    """Return a part as a block. Data is a file of JSON."""
    text = text_of(part)
    if text is not None:
        return ContentBlock(text=TextBlock(text))
    media_type = reading.text(part, "mediaType", "part")
    filename = reading.text(part, "filename", "part")
    if "data" in part:
        written = orjson.dumps(with_whole_numbers(part["data"]))
        return ContentBlock(file=MediaBlock(data=written, media_type=media_type or JSON, filename=filename))
    if "url" in part:
        media = MediaBlock(url=reading.text(part, "url", "part"), media_type=media_type, filename=filename)
    else:
        raw = reading.base64_bytes(reading.text(part, "raw", "part"), "part.raw")
        media = MediaBlock(data=raw, media_type=media_type or "application/octet-stream", filename=filename)
    match media_type.partition("/")[0].lower():
        case "image":
            return ContentBlock(image=media)
        case "audio":
            return ContentBlock(audio=media)
        case "video":
            return ContentBlock(video=media)
    return ContentBlock(file=media)


def blocks_of(parts: list[Part]) -> tuple[ContentBlock, ...]:
    """Return parts as blocks."""
    return tuple(map(block_of, parts))
