"""An ImageRequest as a call of OpenAI's images API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from airegistry.dialects.calls import json_bytes, post
from airegistry.dialects.exchange import HttpCall
from airegistry.dialects.openai.parts import url_of
from airegistry.dialects.openai_images.media_types import format_word
from airegistry.dialects.openai_images.multipart import Field, File, form_data
from airegistry.dialects.relaying import relayed
from airegistry.errors import InvalidArgumentError
from airegistry.invocations.content import MediaBlock
from airegistry.invocations.kinds import ImageRequest
from airegistry.resources.endpoint import Endpoint

_GENERATIONS: Final = "/images/generations"
_EDITS: Final = "/images/edits"
_JSON: Final = "application/json"
_CANONICAL: Final = frozenset(
    ("model", "prompt", "n", "size", "quality", "output_format", "image", "images", "stream", "partial_images")
)
"""Wire fields that the canonical request owns, or that ask for a stream; `extra` must not have them."""
_OURS: Final = ("model",)
"""Wire fields that are never passed on as a caller wrote them."""


def images_call(asked: ImageRequest, endpoint: Endpoint, wire: bytes | None = None) -> HttpCall:
    """Return the call that asks for the images; *wire* is the JSON in which the caller asked.

    Inputs given as bytes go as files of a form, the one way that every server knows. By URL or id of a file, or beside fields
    that a form cannot hold, they go as JSON.
    """
    path = _EDITS if asked.inputs else _GENERATIONS
    if wire is not None:
        return post(endpoint, path, relayed(wire, _OURS, {"model": endpoint.upstream_model}), accept=_JSON)
    body = _body(asked, endpoint.upstream_model)
    by_bytes = all(media.data is not None for media in asked.inputs)
    if asked.inputs and by_bytes and not any(map(_nested, body.values())):
        return _form(asked, endpoint, body)
    if asked.inputs:
        body["images"] = [_reference(media, f"image.inputs[{i}]") for i, media in enumerate(asked.inputs)]
    return post(endpoint, path, json_bytes(body), accept=_JSON)


def _body(asked: ImageRequest, upstream_model: str) -> dict[str, Any]:
    fields = {
        "model": upstream_model,
        "prompt": asked.prompt,
        "n": asked.count,
        "size": asked.size or None,
        "quality": asked.quality or None,
        "output_format": format_word(asked.media_type) or None,
    }
    body = {name: value for name, value in fields.items() if value is not None}
    for name, value in (asked.extra or {}).items():
        if name in _CANONICAL:
            raise InvalidArgumentError.of(f"image.extra.{name}", "repeats a field of the request itself")
        body[name] = value
    return body


def _form(asked: ImageRequest, endpoint: Endpoint, body: dict[str, Any]) -> HttpCall:
    name = "image" if len(asked.inputs) == 1 else "image[]"
    files = [
        File(name, media.filename or f"image-{i}.{format_word(media.media_type)}", media.media_type, media.data or b"")
        for i, media in enumerate(asked.inputs)
    ]
    content_type, data = form_data(
        [Field(key, _word(value)) for key, value in body.items() if value is not None], files
    )
    call = post(endpoint, _EDITS, data, accept=_JSON)
    return replace(call, headers={**call.headers, "content-type": content_type})


def _reference(media: MediaBlock, path: str) -> dict[str, str]:
    return {"file_id": media.file_id} if media.file_id is not None else {"image_url": url_of(media, path)}


def _nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def _word(value: Any) -> str:
    # A whole number that came by protobuf's Struct is a float.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
