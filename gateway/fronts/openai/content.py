"""OpenAI's content parts as content blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from airegistry.invocations.content import ContentBlock, MediaBlock, RefusalBlock, TextBlock
from gateway.fronts.cache_marks import cache_mark_of
from gateway.fronts.fields import Fields, base64_bytes, wrong

_AUDIO_TYPES: Final = {"mp3": "audio/mpeg", "pcm16": "audio/pcm"}
_FILE_TYPES: Final = {"pdf": "application/pdf", "txt": "text/plain", "csv": "text/csv", "json": "application/json"}


def blocks_of(message: Fields) -> tuple[ContentBlock, ...]:
    """Return the blocks of a message's `content`: a string, or an array of parts."""
    content = message.take("content")
    if content is None:
        return ()
    if isinstance(content, str):
        return (ContentBlock(text=TextBlock(content)),)
    if not isinstance(content, list):
        raise wrong(message.at("content"), "must be a string or an array of parts")
    return tuple(_block(part) for part in message.objects("content"))


def _block(part: Fields) -> ContentBlock:
    kind = part.needed("type")
    read = _KINDS.get(kind)
    if read is None:
        raise wrong(part.at("type"), f"{kind[:40]!r} is not one of {', '.join(_KINDS)}")
    return ContentBlock(**read(part), cache_control=cache_mark_of(part))


def _text(part: Fields) -> dict[str, Any]:
    if part.take("text") is None:
        raise wrong(part.at("text"), "is required")
    return {"text": TextBlock(part.text("text"))}


def _refusal(part: Fields) -> dict[str, Any]:
    return {"refusal": RefusalBlock(part.text("refusal"))}


def _image(part: Fields) -> dict[str, Any]:
    image = part.needed_nested("image_url")
    return {"image": media_of(image.needed("url"), image.at("url"), detail=image.text("detail"))}


def _video(part: Fields) -> dict[str, Any]:
    video = part.needed_nested("video_url")
    return {"video": media_of(video.needed("url"), video.at("url"))}


def _audio_url(part: Fields) -> dict[str, Any]:
    audio = part.needed_nested("audio_url")
    return {"audio": media_of(audio.needed("url"), audio.at("url"))}


def _input_audio(part: Fields) -> dict[str, Any]:
    return {"audio": sound_of(part.needed_nested("input_audio"))}


def _file(part: Fields) -> dict[str, Any]:
    file = part.needed_nested("file")
    filename = file.text("filename")
    if file_id := file.text("file_id"):
        return {"file": MediaBlock(file_id=file_id, filename=filename)}
    return {"file": file_of(file.needed("file_data"), file.at("file_data"), filename)}


_KINDS: Final[dict[str, Callable[[Fields], dict[str, Any]]]] = {
    "text": _text,
    "image_url": _image,
    "input_audio": _input_audio,
    "file": _file,
    "refusal": _refusal,
    "video_url": _video,
    "audio_url": _audio_url,
}


def sound_of(audio: Fields) -> MediaBlock:
    """Return sound given as base64 and a word for its format."""
    form = audio.needed("format")
    data = base64_bytes(audio.needed("data"), audio.at("data"))
    return MediaBlock(data=data, media_type=_AUDIO_TYPES.get(form, f"audio/{form}"))


def file_of(data: str, path: str, filename: str) -> MediaBlock:
    """Return a file given as a base64 `data:` URL, or as bare base64, whose kind its name tells."""
    if data.startswith("data:"):
        return media_of(data, path, filename=filename)
    media_type = _FILE_TYPES.get(filename.rpartition(".")[2].lower(), "application/octet-stream")
    return MediaBlock(data=base64_bytes(data, path), media_type=media_type, filename=filename)


def media_of(url: str, path: str, *, detail: str = "", filename: str = "") -> MediaBlock:
    """Return media given by URL, its bytes when it is a base64 `data:` URL."""
    head, comma, data = url.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        return MediaBlock(url=url, detail=detail, filename=filename)
    media_type = head.removeprefix("data:").removesuffix(";base64")
    if not media_type:
        raise wrong(path, "the data: URL names no media type")
    return MediaBlock(data=base64_bytes(data, path), media_type=media_type, detail=detail, filename=filename)
