"""Content blocks as OpenAI's content parts."""

from __future__ import annotations

import base64
from typing import Any, Final

from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.content import ContentBlock, MediaBlock

_AUDIO_FORMATS: Final = {
    "mpeg": "mp3",
    "x-wav": "wav",
    "wave": "wav",
    "vnd.wave": "wav",
    "x-flac": "flac",
    "l16": "pcm16",
}


def part_of(block: ContentBlock, path: str) -> dict[str, Any]:
    """Return the part that says the same as a text or media block.

    Video, and sound behind a URL, go by the names that vLLM and SGLang gave them; OpenAI itself has none. Raises
    UnsupportedFieldError, with its path, for what no server of this format takes.
    """
    if block.text is not None:
        return {"type": "text", "text": block.text.text}
    if block.image is not None:
        image: dict[str, Any] = {"url": url_of(block.image, f"{path}.image")}
        if block.image.detail:
            image["detail"] = block.image.detail
        return {"type": "image_url", "image_url": image}
    if block.audio is not None:
        return _audio(block.audio, f"{path}.audio")
    if block.video is not None:
        return {"type": "video_url", "video_url": {"url": url_of(block.video, f"{path}.video")}}
    if block.file is not None:
        return {"type": "file", "file": _file(block.file, f"{path}.file")}
    raise InvalidArgumentError.of(path, "has no content that may stand here")


def url_of(media: MediaBlock, path: str) -> str:
    """Return the URL of media, a `data:` URL for bytes."""
    if media.url is not None:
        return media.url
    if media.data is not None:
        return f"data:{media.media_type};base64,{base64.b64encode(media.data).decode()}"
    raise UnsupportedFieldError.of(f"{path}.file_id", "this format takes bytes or a URL here, not the id of a file")


def audio_format(media_type: str) -> str:
    """Return OpenAI's word for a media type of sound (`mp3` for `audio/mpeg`)."""
    subtype = media_type.partition(";")[0].rpartition("/")[2].strip().lower()
    return _AUDIO_FORMATS.get(subtype, subtype)


def _audio(media: MediaBlock, path: str) -> dict[str, Any]:
    if media.data is None:
        return {"type": "audio_url", "audio_url": {"url": url_of(media, path)}}
    sound = {"data": base64.b64encode(media.data).decode(), "format": audio_format(media.media_type)}
    return {"type": "input_audio", "input_audio": sound}


def _file(media: MediaBlock, path: str) -> dict[str, Any]:
    if media.url is not None:
        raise UnsupportedFieldError.of(f"{path}.url", "this format takes bytes or the id of a file here, not a URL")
    file = {"file_id": media.file_id} if media.file_id is not None else {"file_data": url_of(media, path)}
    return {**file, "filename": media.filename} if media.filename else file
