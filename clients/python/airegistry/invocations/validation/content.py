"""The rules for content blocks."""

from __future__ import annotations

from itertools import compress
from operator import attrgetter
from typing import Final

from airegistry.errors import FieldViolation
from airegistry.invocations.content import ContentBlock, MediaBlock, ToolCall, ToolResult
from airegistry.resources.validation.rules import Violations, each, required

_KINDS: Final = ("text", "image", "audio", "video", "file", "thinking", "tool_call", "tool_result", "refusal")
_parts: Final = attrgetter(*_KINDS)
_MEDIA: Final = ("image", "audio", "video", "file")
_CACHE_CONTROLS: Final = ("", "ephemeral", "1h")
_SCHEMES: Final = ("http:", "https:", "data:", "gs:", "s3:")


def check_block(block: ContentBlock, path: str) -> Violations:
    """Yield what is wrong with a block."""
    given = list(compress(_KINDS, _parts(block)))
    if len(given) != 1:
        yield FieldViolation(path, f"exactly one of {', '.join(given or _KINDS)} must be set")
    for name in given:
        if name in _MEDIA:
            yield from check_media(getattr(block, name), f"{path}.{name}")
    if block.tool_call is not None:
        yield from _check_call(block.tool_call, f"{path}.tool_call")
    if block.tool_result is not None:
        yield from _check_result(block.tool_result, f"{path}.tool_result")
    if block.cache_control:
        yield from check_cache_control(block.cache_control, path)


def check_cache_control(asked: str, path: str) -> Violations:
    """Yield what is wrong with a mark for the provider's cache, which stands at *path*."""
    if asked not in _CACHE_CONTROLS:
        yield FieldViolation(f"{path}.cache_control", "must be empty, ephemeral or 1h")


def check_media(media: MediaBlock, path: str) -> Violations:
    """Yield what is wrong with media."""
    given = [name for name in ("data", "url", "file_id") if getattr(media, name) is not None]
    if len(given) != 1:
        yield FieldViolation(path, "exactly one of data, url, file_id must be set")
    if media.data is not None and not media.media_type:
        yield FieldViolation(f"{path}.media_type", "is required with data")
    if media.url is not None and not media.url.lower().startswith(_SCHEMES):
        yield FieldViolation(f"{path}.url", "must be an absolute URL")
    if media.file_id is not None:
        yield from required(media.file_id, f"{path}.file_id")


def _check_call(call: ToolCall, path: str) -> Violations:
    yield from required(call.id, f"{path}.id")
    yield from required(call.name, f"{path}.name")


def _check_result(result: ToolResult, path: str) -> Violations:
    yield from required(result.tool_call_id, f"{path}.tool_call_id")
    for i, block in enumerate(result.content):
        if block.text is None and block.image is None and block.file is None:
            yield FieldViolation(f"{path}.content[{i}]", "must be text, an image or a file")
    yield from each(result.content, f"{path}.content", check_block)
