"""The pieces that messages are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airegistry._making import quickly_made


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Plain text."""

    text: str = ""
    annotations: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class MediaBlock:
    """An image, sound, video or document."""

    data: bytes | None = None
    url: str | None = None
    file_id: str | None = None
    media_type: str = ""
    filename: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ThinkingBlock:
    """What the model thought before it answered."""

    text: str = ""
    signature: str = ""
    redacted_data: bytes = b""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave."""

    tool_call_id: str = ""
    content: tuple[ContentBlock, ...] = ()
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class RefusalBlock:
    """The model declines to answer."""

    text: str = ""


@quickly_made
@dataclass(frozen=True, slots=True)
class ContentBlock:
    """One piece of a message."""

    text: TextBlock | None = None
    image: MediaBlock | None = None
    audio: MediaBlock | None = None
    video: MediaBlock | None = None
    file: MediaBlock | None = None
    thinking: ThinkingBlock | None = None
    tool_call: ToolCall | None = None
    tool_result: ToolResult | None = None
    refusal: RefusalBlock | None = None
    cache_control: str = ""
