"""The dialect `openai.images`: images of OpenAI and of those who followed, made from words or from other images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from airegistry.dialects.errors import error_of
from airegistry.dialects.exchange import Answer, Encoded, Input, StreamDecoder
from airegistry.dialects.openai_images.answer import answer_of
from airegistry.dialects.openai_images.request import images_call
from airegistry.errors import ProviderError, UnsupportedFieldError
from airegistry.invocations.kinds import ImageRequest
from airegistry.resources.endpoint import Endpoint

_SUCCESS: Final = range(200, 300)


class OpenAIImages:
    """Images. The path below an endpoint's address is `/images/generations`, with inputs `/images/edits`.

    An endpoint that declares another path declares it for both.
    """

    name: Final = "openai.images"

    def speaks(self, request: Input) -> bool:
        """Whether the request asks for images."""
        return isinstance(request, ImageRequest)

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> Encoded:
        """Write the request."""
        if stream:
            raise UnsupportedFieldError("images do not stream")
        return Encoded(images_call(_images(request), endpoint, wire))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read the images; there must be at least one."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        return answer_of(_images(request), body)

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:  # noqa: ARG002 - there is none
        """Refuse: images do not stream."""
        raise UnsupportedFieldError(f"images do not stream, nor does a {type(request).__name__} as such")

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status and its body mean."""
        return error_of(status, headers, body)


def _images(request: Input) -> ImageRequest:
    if isinstance(request, ImageRequest):
        return request
    raise UnsupportedFieldError(f"dialect openai.images cannot express a {type(request).__name__}")
