"""Images as the JSON of OpenAI's API."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from airegistry.invocations.content import MediaBlock
from airegistry.invocations.invocation import Settlement
from airegistry.invocations.kinds import ImageResponse
from airegistry.invocations.usage import Usage
from gateway.fronts.accounts import settlement_value


def images_body(response: ImageResponse, settlement: Settlement, created: int) -> bytes:
    """Return a list of images. Fields of the provider's own stand beside ours, as they came."""
    body: dict[str, Any] = {
        **(response.extra or {}),
        "created": created,
        "data": [_image(image, response.revised_prompt) for image in response.images],
        "airegistry": settlement_value(settlement, []),
    }
    if usage := _usage(settlement.usage):
        body["usage"] = usage
    return orjson.dumps(body)


def _image(image: MediaBlock, revised_prompt: str) -> dict[str, str]:
    told = {"revised_prompt": revised_prompt} if revised_prompt else {}
    if image.data is None:
        return {"url": image.url or "", **told}
    return {"b64_json": base64.b64encode(image.data).decode(), **told}


def _usage(usage: Usage | None) -> dict[str, Any] | None:
    """Return OpenAI's counts; None when either side is unknown: a 0 there would be a lie."""
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    read, written = usage.input_image_tokens or 0, usage.output_image_tokens or 0
    total_in, total_out = usage.input_tokens + read, usage.output_tokens + written
    return {
        "input_tokens": total_in,
        "input_tokens_details": {"text_tokens": usage.input_tokens, "image_tokens": read},
        "output_tokens": total_out,
        "output_tokens_details": {"text_tokens": usage.output_tokens, "image_tokens": written},
        "total_tokens": total_in + total_out,
    }
