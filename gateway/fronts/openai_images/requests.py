"""What a caller of OpenAI's images API asks for, in canonical form."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from airegistry.dialects.openai_images.media_types import media_type_of, recognized
from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.content import MediaBlock
from airegistry.invocations.kinds import ImageRequest
from gateway.fronts.fields import Fields, body_fields, wrong
from gateway.fronts.forms import Part, parts_of
from gateway.fronts.openai.content import media_of

_FILES: Final = ("image", "image[]")
_WHOLE: Final = ("n", "output_compression", "partial_images")


@dataclass(frozen=True, slots=True)
class ImagesCall:
    """A call of `/v1/images/generations` or `/v1/images/edits`."""

    model: str
    request: ImageRequest


def read_generation(body: bytes) -> ImagesCall:
    """Read the body of a request for new images. Raises InvalidArgumentError."""
    return _call(body_fields(body), ())


def read_edit(body: bytes) -> ImagesCall:
    """Read the JSON of a request for images made from others, which are given by URL or id."""
    fields = body_fields(body)
    inputs = tuple(_reference(image) for image in fields.objects("images"))
    if not inputs:
        raise wrong("images", "is required and must not be empty")
    return _call(fields, inputs)


def read_form(content_type: str, body: bytes) -> ImagesCall:
    """Read the form of a request for images made from others, which are uploaded in it."""
    parts = parts_of(content_type, body)
    inputs = tuple(_uploaded(part) for part in parts if part.name in _FILES)
    if not inputs:
        raise wrong("image", "is required")
    values = {part.name: _value(part) for part in parts if part.name not in _FILES}
    return _call(Fields(values), inputs)


def _call(fields: Fields, inputs: tuple[MediaBlock, ...]) -> ImagesCall:
    model, prompt = fields.needed("model"), fields.needed("prompt")
    _refuse_streams(fields)
    request = ImageRequest(
        prompt=prompt,
        inputs=inputs,
        count=fields.whole("n"),
        size=fields.text("size"),
        quality=fields.text("quality"),
        media_type=media_type_of(fields.text("output_format")),
        extra=fields.rest() or None,
    )
    return ImagesCall(model, request)


def _refuse_streams(fields: Fields) -> None:
    if fields.take("stream") in (True, "true"):
        raise UnsupportedFieldError.of("stream", "images come whole from this gateway, never in parts")
    if fields.take("partial_images"):
        raise UnsupportedFieldError.of("partial_images", "images come whole from this gateway, never in parts")


def _reference(image: Fields) -> MediaBlock:
    if file_id := image.text("file_id"):
        return MediaBlock(file_id=file_id)
    return media_of(image.needed("image_url"), image.at("image_url"))


def _uploaded(part: Part) -> MediaBlock:
    return MediaBlock(data=part.data, media_type=_kind(part), filename=part.filename)


def _value(part: Part) -> Any:
    if part.filename:
        # A mask, in the form in which JSON has it.
        return _as_json(part)
    text = part.data.decode(errors="replace")
    if part.name not in _WHOLE:
        return text
    try:
        return int(text)
    except ValueError as error:
        raise wrong(part.name, "must be an integer") from error


def _as_json(part: Part) -> Mapping[str, str]:
    return {"image_url": f"data:{_kind(part)};base64,{base64.b64encode(part.data).decode()}"}


def _kind(part: Part) -> str:
    return part.media_type if part.media_type.startswith("image/") else recognized(part.data)
