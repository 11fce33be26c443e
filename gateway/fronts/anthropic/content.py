"""Anthropic's content blocks as canonical ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from airegistry.errors import FieldViolation
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock, ThinkingBlock, ToolCall, ToolResult
from airegistry.invocations.invocation import Warning as FieldWarning
from gateway.fronts.cache_marks import cache_mark_of
from gateway.fronts.fields import Fields, base64_bytes, json_again, wrong

UNKNOWN: Final = "is known to targets of this format alone; not sent to others"
_VITAL: Final = "is known to targets of this format alone"


@dataclass(frozen=True, slots=True)
class Notes:
    """What is known beside the parsed body: the arguments of calls, by path, as they were written, and what was lost.

    What has no canonical place reaches targets of the same format alone; without what is *vital* others are not asked at all.
    """

    arguments: Mapping[str, str]
    lost: list[FieldWarning] = field(default_factory=list)
    vital: list[FieldViolation] = field(default_factory=list)

    def lose(self, path: str, message: str = UNKNOWN) -> None:
        """Note that others than targets of this format do not get something."""
        self.lost.append(FieldWarning(path, message))

    def need(self, path: str) -> None:
        """Note that without something, others than targets of this format would be asked something else."""
        self.vital.append(FieldViolation(path, _VITAL))


def blocks_of(fields: Fields, notes: Notes, *, vital: bool = False) -> Iterator[ContentBlock]:
    """Yield the blocks of a `content`: a string, or an array. What has no canonical place is noted, as *vital* or not."""
    content = fields.take("content")
    if content is None:
        raise wrong(fields.at("content"), "is required")
    if isinstance(content, str):
        yield ContentBlock(text=TextBlock(content))
    elif isinstance(content, list):
        yield from several(fields, "content", notes, vital=vital)
    else:
        raise wrong(fields.at("content"), "must be a string or an array of blocks")


def several(fields: Fields, name: str, notes: Notes, *, vital: bool) -> Iterator[ContentBlock]:
    """Yield the blocks of an array; *vital* as for `blocks_of`."""
    for part in fields.objects(name):
        read = _KINDS.get(part.needed("type"), _unknown)
        block = read(part, notes)
        if block is None:
            (notes.need if vital else notes.lose)(part.path)
            # It is named as a whole, not once more by each of its fields.
            part.forget()
        else:
            yield ContentBlock(**block, cache_control=cache_mark_of(part))


def _unknown(_part: Fields, _notes: Notes) -> dict[str, Any] | None:
    return None


def _text(part: Fields, _notes: Notes) -> dict[str, Any]:
    if part.take("text") is None:
        raise wrong(part.at("text"), "is required")
    citations = tuple(citation.whole_object() for citation in part.objects("citations"))
    return {"text": TextBlock(part.text("text"), citations)}


def _image(part: Fields, _notes: Notes) -> dict[str, Any] | None:
    media = _source(part.needed_nested("source"))
    return None if media is None else {"image": media}


def _document(part: Fields, notes: Notes) -> dict[str, Any] | None:
    source = part.needed_nested("source")
    title = part.text("title")
    media = _source(source, title)
    if media is not None:
        return {"file": media}
    if source.text("type") == "text":
        return {"file": MediaBlock(data=source.needed("data").encode(), media_type="text/plain", filename=title)}
    if source.text("type") == "content":
        words = "\n".join(block.text.text for block in blocks_of(source, notes) if block.text is not None)
        return {"file": MediaBlock(data=words.encode(), media_type="text/plain", filename=title)}
    return None


def _search_result(part: Fields, notes: Notes) -> dict[str, Any]:
    """Read a search result as text: its title, where it is from, and what it says."""
    words = [block.text.text for block in blocks_of(part, notes) if block.text is not None]
    notes.lose(part.path, "is sent to other formats as plain text")
    return {"text": TextBlock("\n".join([part.text("title"), part.text("source"), *words]))}


def _thinking(part: Fields, _notes: Notes) -> dict[str, Any]:
    return {"thinking": ThinkingBlock(part.text("thinking"), part.text("signature"))}


def _redacted(part: Fields, _notes: Notes) -> dict[str, Any]:
    return {"thinking": ThinkingBlock(redacted_data=part.needed("data").encode(errors="surrogateescape"))}


def _tool_use(part: Fields, notes: Notes) -> dict[str, Any]:
    parsed = part.mapping("input") or {}
    # As they were written: parsed, large numbers would lose digits.
    arguments = notes.arguments.get(part.path) or json_again(parsed, part.at("input")).decode()
    return {"tool_call": ToolCall(part.needed("id"), part.needed("name"), arguments)}


def _tool_result(part: Fields, notes: Notes) -> dict[str, Any]:
    content = () if part.take("content") is None else tuple(blocks_of(part, notes))
    return {"tool_result": ToolResult(part.needed("tool_use_id"), content, is_error=bool(part.flag("is_error")))}


_KINDS: Final[dict[str, Callable[[Fields, Notes], dict[str, Any] | None]]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
}


def _source(source: Fields, filename: str = "") -> MediaBlock | None:
    match source.needed("type"):
        case "base64":
            data = base64_bytes(source.needed("data"), source.at("data"))
            return MediaBlock(data=data, media_type=source.needed("media_type"), filename=filename)
        case "url":
            return MediaBlock(url=source.needed("url"), filename=filename)
        case "file":
            return MediaBlock(file_id=source.needed("file_id"), filename=filename)
    return None
