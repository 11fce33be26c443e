"""Parts of messages and of results as content blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from airegistry.invocations.content import ContentBlock, MediaBlock, RefusalBlock, TextBlock
from gateway.fronts.fields import Fields, wrong
from gateway.fronts.openai.content import file_of, media_of, sound_of


def blocks_of(fields: Fields, name: str) -> list[tuple[ContentBlock, str]]:
    """Return the blocks of a string, or of an array of parts, each with its place."""
    content = fields.take(name)
    if content is None:
        raise wrong(fields.at(name), "is required")
    if isinstance(content, str):
        return [(ContentBlock(text=TextBlock(content)), fields.at(name))]
    if not isinstance(content, list):
        raise wrong(fields.at(name), "must be a string or an array of parts")
    return [(_block(part), part.path) for part in fields.objects(name)]


def _block(part: Fields) -> ContentBlock:
    kind = part.needed("type")
    read = _KINDS.get(kind)
    if read is None:
        raise wrong(part.at("type"), f"{kind[:40]!r} is not one of {', '.join(_KINDS)}")
    return ContentBlock(**read(part), cache_control=_cache_control(part))


def _text(part: Fields) -> dict[str, Any]:
    if part.take("text") is None:
        raise wrong(part.at("text"), "is required")
    annotations = tuple(value for value in part.items("annotations") if isinstance(value, dict))
    # An answer that is sent back as it came has them.
    part.take("logprobs")
    return {"text": TextBlock(part.text("text"), annotations)}


def _refusal(part: Fields) -> dict[str, Any]:
    return {"refusal": RefusalBlock(part.text("refusal"))}


def _image(part: Fields) -> dict[str, Any]:
    detail = part.text("detail")
    if file_id := part.text("file_id"):
        return {"image": MediaBlock(file_id=file_id, detail=detail)}
    return {"image": media_of(part.needed("image_url"), part.at("image_url"), detail=detail)}


def _audio(part: Fields) -> dict[str, Any]:
    return {"audio": sound_of(part.needed_nested("input_audio"))}


def _file(part: Fields) -> dict[str, Any]:
    filename = part.text("filename")
    if file_id := part.text("file_id"):
        return {"file": MediaBlock(file_id=file_id, filename=filename)}
    if url := part.text("file_url"):
        return {"file": MediaBlock(url=url, filename=filename)}
    return {"file": file_of(part.needed("file_data"), part.at("file_data"), filename)}


_KINDS: Final[dict[str, Callable[[Fields], dict[str, Any]]]] = {
    "input_text": _text,
    "output_text": _text,
    "refusal": _refusal,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}


def _cache_control(part: Fields) -> str:
    """Read the mark that the prompt is to be cached up to here; its shortest lifetime is longer than the usual one."""
    mark = part.nested("prompt_cache_breakpoint")
    if mark is None:
        return ""
    mark.take("mode")
    return "1h" if mark.text("ttl") else "ephemeral"
