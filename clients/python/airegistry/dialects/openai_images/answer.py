"""An answer of OpenAI's images API in canonical form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.errors import error_within
from airegistry.dialects.exchange import Answer
from airegistry.dialects.openai_images.media_types import media_type_of, recognized
from airegistry.errors import MalformedAnswerError
from airegistry.invocations.content import MediaBlock
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.kinds import ImageRequest, ImageResponse
from airegistry.invocations.usage import Usage

_KNOWN: Final = frozenset(("created", "data", "error", "usage"))
_IMAGE_FIELDS: Final = frozenset(("b64_json", "url", "revised_prompt"))
_MAX_IMAGES: Final = 64


def answer_of(asked: ImageRequest, body: bytes) -> Answer:
    """Read a whole answer."""
    said = reading.mapping(reading.json_of(body, "the answer"), "the answer")
    if (error := error_within(said)) is not None:
        raise error
    data = reading.objects(said, "data", "answer")
    if not 0 < len(data) <= _MAX_IMAGES:
        raise MalformedAnswerError(f"the answer has {len(data)} images")
    media_type = media_type_of(reading.text(said, "output_format", "answer")) or asked.media_type
    images = tuple(_image(one, f"data[{i}]", media_type) for i, one in enumerate(data))
    prompts = [reading.text(one, "revised_prompt", f"data[{i}]") for i, one in enumerate(data)]
    extra = {name: said[name] for name in said.keys() - _KNOWN if said[name] is not None}
    response = ImageResponse(images=images, revised_prompt=next(filter(None, prompts), ""), extra=extra or None)
    return Answer(response, _usage(said, len(images)), tuple(_lost(data, prompts)))


def _image(one: Mapping[str, Any], path: str, media_type: str) -> MediaBlock:
    if encoded := reading.text(one, "b64_json", path):
        data = reading.base64_bytes(encoded, f"{path}.b64_json")
        return MediaBlock(data=data, media_type=media_type or recognized(data))
    if url := reading.text(one, "url", path):
        return MediaBlock(url=url, media_type=media_type)
    raise MalformedAnswerError(f"{path} has neither b64_json nor url")


def _lost(data: Iterable[Mapping[str, Any]], prompts: list[str]) -> Iterator[FieldWarning]:
    unknown = dict.fromkeys(name for one in data for name in one if name not in _IMAGE_FIELDS and one[name])
    for name in unknown:
        yield FieldWarning(f"data.{name}", "this field of the answer has no place in the canonical form")
    if len(set(prompts)) > 1:
        yield FieldWarning("data.revised_prompt", "the images have several; only the first is kept")


def _usage(said: Mapping[str, Any], images: int) -> Usage:
    """Return disjoint counts. What no detail tells apart is text in the input, and an image in the output."""
    counts = reading.nested(said, "usage", "answer")
    total_in, total_out = (reading.count(counts, name, "usage") for name in ("input_tokens", "output_tokens"))
    text_in, image_in = _parted(total_in, _detail(counts, "input_tokens_details", "image_tokens"))
    image_out, text_out = _parted(total_out, _detail(counts, "output_tokens_details", "text_tokens"))
    return Usage(
        input_tokens=text_in,
        input_image_tokens=image_in,
        output_tokens=text_out,
        output_image_tokens=image_out,
        output_images=images,
    )


def _detail(counts: Mapping[str, Any], details: str, name: str) -> int | None:
    return reading.count(reading.nested(counts, details, "usage"), name, f"usage.{details}")


def _parted(total: int | None, part: int | None) -> tuple[int | None, int | None]:
    """Return what is left of a total, and its part, which is nothing where it was not told."""
    if total is None:
        return None, part
    part = min(part or 0, total)
    return total - part, part
