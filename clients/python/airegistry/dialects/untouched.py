"""A request in a provider's own format that goes through as it is, and the answer to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from airegistry.dialects.base import Dialect
from airegistry.dialects.exchange import Answer, Encoded, HttpCall, Input, StreamDecoder
from airegistry.errors import InvalidArgumentError, ProviderError, UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.kinds import ImageRequest, RawRequest, RawResponse, RerankRequest
from airegistry.invocations.streaming import StreamItem, StreamStarted, WireSeen
from airegistry.resources.endpoint import Endpoint

_SMALLEST: Final[tuple[Input, ...]] = (
    ChatRequest(messages=(Message(Role.USER, (ContentBlock(text=TextBlock("-")),)),)),
    EmbeddingsRequest(inputs=(EmbeddingInput(text="-"),)),
    RerankRequest(query="-", documents=("-",)),
    ImageRequest(prompt="-"),
)
"""A request of each kind; what a dialect makes of it tells where its requests go, and with which headers."""


class Untouched:
    """The format of another dialect, for requests that are written in it already. Errors are still read by that dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.name = dialect.name

    def speaks(self, request: Input) -> bool:
        """Whether the request is written in this format."""
        return isinstance(request, RawRequest) and request.dialect == self.name

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> Encoded:
        """Send the body as it is, to the path below the endpoint's address that is asked for, or to the format's own."""
        del wire
        if not isinstance(request, RawRequest):
            raise InvalidArgumentError("only a raw request can go through untouched")
        call = self._example(endpoint, stream=stream)
        headers = {**call.headers, "content-type": request.content_type or call.headers.get("content-type", "")}
        url = f"{endpoint.address.rstrip('/')}{request.path}" if request.path else call.url
        return Encoded(replace(call, url=url, headers=headers, body=request.body))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return the answer as it came."""
        del request
        return Answer(RawResponse(status, headers.get("content-type", ""), body))

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:
        """Return what passes the pieces of an answer on as they come."""
        del request, relay
        return _Pieces()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return what the format's own dialect reads from an error."""
        return self._dialect.error(status, headers, body)

    def _example(self, endpoint: Endpoint, *, stream: bool) -> HttpCall:
        spoken = (request for request in _SMALLEST if self._dialect.speaks(request))
        for request in spoken:
            call = self._dialect.encode(request, endpoint, stream=stream).call
            if isinstance(call, HttpCall):
                return call
        raise UnsupportedFieldError.of("invocation.raw.dialect", f"nothing can be passed through in {self.name}")


class _Pieces:
    """Passes bytes on. Whether the answer is whole is for its HTTP framing to say: what they mean is not looked at."""

    finished = False

    def __init__(self) -> None:
        self._begun = False

    def feed(self, data: bytes) -> list[StreamItem]:
        begun, self._begun = self._begun, True
        items: list[StreamItem] = [] if begun else [StreamStarted()]
        return [*items, WireSeen(data, token=True)] if data else items

    def close(self) -> list[StreamItem]:
        return []
