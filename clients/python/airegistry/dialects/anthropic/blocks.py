"""Content blocks as Anthropic's."""

from __future__ import annotations

import base64
import re
from typing import Any, Final

import orjson

from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.content import MediaBlock, TextBlock, ThinkingBlock, ToolCall

INVALID: Final = "INVALID_JSON"
"""The member that holds a tool call's arguments where they are no JSON object, as Anthropic advises."""

_IMAGES: Final = frozenset(("image/jpeg", "image/png", "image/gif", "image/webp"))
_CITATIONS: Final = frozenset(
    (
        "char_location",
        "page_location",
        "content_block_location",
        "web_search_result_location",
        "search_result_location",
    )
)
_FOREIGN: Final = re.compile(r"[^a-zA-Z0-9_-]")
_CACHE: Final = {"ephemeral": {"type": "ephemeral"}, "1h": {"type": "ephemeral", "ttl": "1h"}}


def cache_mark(asked: str) -> dict[str, Any]:
    """Return the member that asks for the cache; empty when it is not asked for."""
    mark = _CACHE.get(asked)
    return {} if mark is None else {"cache_control": mark}


def text_block(text: TextBlock) -> dict[str, Any]:
    """Return a text, with those of its annotations that are citations of this format."""
    cited = citations_of(text)
    return {"type": "text", "text": text.text, **({"citations": cited} if cited else {})}


def citations_of(text: TextBlock) -> list[dict[str, Any]]:
    """Return the annotations that this format can say."""
    return [dict(annotation) for annotation in text.annotations if annotation.get("type") in _CITATIONS]


def image_block(image: MediaBlock, path: str) -> dict[str, Any]:
    """Return an image. Raises UnsupportedFieldError for what no server of this format takes."""
    source = _fetched(image, path)
    if source is None:
        media_type, data = _bytes_of(image, path)
        if media_type not in _IMAGES:
            raise UnsupportedFieldError.of(f"{path}.media_type", "this format takes JPEG, PNG, GIF and WebP")
        source = {"type": "base64", "media_type": media_type, "data": data}
    return {"type": "image", "source": source}


def document_block(file: MediaBlock, path: str) -> dict[str, Any]:
    """Return a document: a PDF, or text of any kind, which this format knows as plain text alone."""
    source = _fetched(file, path)
    if source is None:
        media_type, data = _bytes_of(file, path)
        source = {"type": "base64", "media_type": media_type, "data": data}
        if media_type != "application/pdf":
            source = {"type": "text", "media_type": "text/plain", "data": _plain(media_type, data, path)}
    block: dict[str, Any] = {"type": "document", "source": source}
    return {**block, "title": file.filename} if file.filename else block


def thinking_block(thinking: ThinkingBlock) -> dict[str, Any]:
    """Return a thought as it was given, redacted or signed."""
    if thinking.redacted_data:
        return {"type": "redacted_thinking", "data": thinking.redacted_data.decode(errors="surrogateescape")}
    return {"type": "thinking", "thinking": thinking.text, "signature": thinking.signature}


def tool_use_block(call: ToolCall) -> tuple[dict[str, Any], bool]:
    """Return a tool call, and whether its arguments are a JSON object, as this format demands. They keep their bytes."""
    arguments = call.arguments.strip() or "{}"
    proper = _is_object(arguments)
    given: Any = orjson.Fragment(arguments.encode()) if proper else {INVALID: call.arguments}
    return {"type": "tool_use", "id": call_id(call.id), "name": call.name, "input": given}, proper


def call_id(id_: str) -> str:
    """Return the id of a call in the letters that this format takes; the same one for the call and for its result."""
    return _FOREIGN.sub("_", id_)


def _is_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _fetched(media: MediaBlock, path: str) -> dict[str, Any] | None:
    """Return the source of what the provider has or gets by itself; None for bytes."""
    if media.file_id is not None:
        return {"type": "file", "file_id": media.file_id}
    if media.url is None or media.url.startswith("data:"):
        return None
    if not media.url.lower().startswith(("http:", "https:")):
        raise UnsupportedFieldError.of(f"{path}.url", "this format takes http and https URLs")
    return {"type": "url", "url": media.url}


def _bytes_of(media: MediaBlock, path: str) -> tuple[str, str]:
    """Return the media type of bytes, and their base64."""
    if media.data is not None:
        return media.media_type.partition(";")[0].strip().lower(), base64.b64encode(media.data).decode()
    head, comma, data = (media.url or "").partition(",")
    if not (comma and head.endswith(";base64")):
        raise UnsupportedFieldError.of(f"{path}.url", "this format takes data: URLs in base64 only")
    return head.removeprefix("data:").removesuffix(";base64").partition(";")[0].lower(), data


def _plain(media_type: str, data: str, path: str) -> str:
    try:
        if media_type.startswith("text/") or media_type == "application/json":
            return base64.b64decode(data).decode()
    except ValueError as error:
        raise UnsupportedFieldError.of(path, "this format takes text in UTF-8 only") from error
    raise UnsupportedFieldError.of(f"{path}.media_type", "this format takes PDF and text documents")
