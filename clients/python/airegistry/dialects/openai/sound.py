"""The sound of one choice: gathered, because a block of sound comes as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.openai.messages import TRANSCRIPT
from airegistry.errors import MalformedAnswerError
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock

_MAX_BYTES: Final = 64 * 1024 * 1024
_MEDIA_TYPES: Final = {"mp3": "audio/mpeg", "pcm16": "audio/pcm", "opus": "audio/opus", "aac": "audio/aac"}


class Sound:
    """Collects one choice's `audio`. The transcript streams as text; the sound comes out at the end."""

    def __init__(self, media_type: str) -> None:
        self._media_type = media_type
        self._sound = bytearray()
        self._base64 = ""
        self._told: set[str] = set()

    def news(self, said: Mapping[str, Any], name: str) -> ContentBlock | None:
        """Return a fact (`id`, `expires_at`) as an annotation of the transcript, the first time that it is told."""
        if said.get(name) is None or name in self._told:
            return None
        self._told.add(name)
        return ContentBlock(text=TextBlock(annotations=({"type": TRANSCRIPT, name: said[name]},)))

    def take(self, said: Mapping[str, Any], path: str) -> None:
        """Take the next piece."""
        base64 = self._base64 + reading.text(said, "data", path)
        # Pieces may be cut anywhere; four characters are three bytes.
        usable = len(base64) - len(base64) % 4
        self._sound += reading.base64_bytes(base64[:usable], f"{path}.data")
        self._base64 = base64[usable:]
        if len(self._sound) > _MAX_BYTES:
            raise MalformedAnswerError(f"{path} exceeds {_MAX_BYTES} bytes")

    def block(self) -> ContentBlock | None:
        """Return the sound, None when there was none."""
        if not self._sound:
            return None
        return ContentBlock(audio=MediaBlock(data=bytes(self._sound), media_type=self._media_type))


def media_type_asked(request: ChatRequest) -> str:
    """Return the media type that a request asks its sound in; empty when it does not say."""
    if not request.extra:
        return ""
    asked = request.extra.get("audio")
    word = asked.get("format") if isinstance(asked, Mapping) else None
    return _MEDIA_TYPES.get(word, f"audio/{word}") if isinstance(word, str) else ""
