"""The dialect `custom`: what a provider wants and gives is declared by the endpoint, as a template and paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.custom.answers import other_answer
from airegistry.dialects.custom.context import context_of, kind_of
from airegistry.dialects.custom.errors import Errors
from airegistry.dialects.custom.losses import block_losses, losses
from airegistry.dialects.custom.pieces import Pieces
from airegistry.dialects.custom.stream import DeclaredEvents, WholeAnswer
from airegistry.dialects.events.ndjson import LineDecoder
from airegistry.dialects.events.sse import SSEDecoder
from airegistry.dialects.events.streams import EventStream
from airegistry.dialects.exchange import Answer, Encoded, HttpCall, Input, StreamDecoder
from airegistry.errors import MalformedAnswerError, ProviderError, UnsupportedFieldError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.embeddings import EmbeddingsRequest
from airegistry.invocations.kinds import ImageRequest, RerankRequest
from airegistry.invocations.streaming import StreamItem
from airegistry.resources.custom.paths import PathError, compile_paths
from airegistry.resources.custom.template import TemplateError, compile_template
from airegistry.resources.custom.trials import kinds_of
from airegistry.resources.endpoint import Communication, CustomFormat, Endpoint, StreamFraming
from airegistry.resources.validation.custom import writes_json

_SUCCESS: Final = range(200, 300)
_PLAINEST: Final = CustomFormat(
    request_template="{{ messages | tojson }}",
    response_paths={"text": "text", "embeddings": "embeddings", "images": "images", "results": "results"},
    stream_paths={"text": "text", "finish_reason": "finish_reason"},
)
_NDJSON: Final = ("ndjson", "jsonl", "json-lines", "stream+json")


class Declared:
    """The format that one endpoint declares."""

    name: Final = "custom"

    def __init__(self, communication: Communication) -> None:
        custom = communication.custom or CustomFormat()
        self._communication = communication
        self._custom = custom
        self._template = compile_template(custom.request_template)
        self._paths = compile_paths(custom.response_paths)
        self._stream_paths = compile_paths(custom.stream_paths)
        self._errors = Errors(custom)
        self._kinds = kinds_of(custom)

    def speaks(self, request: Input) -> bool:
        """Whether there are paths to the answer."""
        return kind_of(request) in self._kinds

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> Encoded:  # noqa: ARG002 - no front speaks this format
        """Write the request; an endpoint that does not stream is asked for the whole answer."""
        if not self.speaks(request):
            raise UnsupportedFieldError(f"the endpoint declares no path to what answers a {kind_of(request)} request")
        stream = stream and bool(self._stream_paths)
        context = context_of(request, endpoint.upstream_model, stream=stream)
        warnings = losses(request, context, self._template.variables)
        written = self._write(context)
        warnings += block_losses(
            request, written, lambda less: self._write(context_of(less, endpoint.upstream_model, stream=stream))
        )
        return Encoded(self._call(endpoint, written, stream=stream), tuple(warnings))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read a whole answer."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        if isinstance(request, ChatRequest):
            response, usage = assemble(self._items(body))
            return Answer(response, usage)
        if isinstance(request, EmbeddingsRequest | ImageRequest | RerankRequest):
            return other_answer(request, self._value(body), self._paths)
        raise MalformedAnswerError("nothing was asked that has an answer")

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:  # noqa: ARG002 - as above
        """Return the reader of one streamed answer."""
        if not self._stream_paths:
            return WholeAnswer(self._items)
        reader = DeclaredEvents(self._custom, self._stream_paths, self._errors)
        if self._framing is StreamFraming.NDJSON:
            return EventStream(LineDecoder(), reader)
        return EventStream(SSEDecoder(), reader, plain=self._items)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status and its body mean."""
        return self._errors.of(status, headers, body)

    @property
    def _framing(self) -> StreamFraming:
        if self._custom.stream_framing is not None:
            return self._custom.stream_framing
        told = self._communication.stream_format.lower()
        return StreamFraming.NDJSON if any(word in told for word in _NDJSON) else StreamFraming.SSE

    def _write(self, context: Mapping[str, Any]) -> str:
        try:
            written = self._template.render(context).strip()
            if writes_json(self._communication):
                reading.json_of(written.encode(), "what the template gives")
        except (TemplateError, MalformedAnswerError, UnicodeEncodeError) as error:
            raise UnsupportedFieldError(f"the endpoint's template cannot write this request: {error}") from None
        return written

    def _call(self, endpoint: Endpoint, written: str, *, stream: bool) -> HttpCall:
        told = self._communication
        path = (stream and self._custom.stream_path) or told.path
        if stream:
            lines = self._framing is StreamFraming.NDJSON
            accept = told.stream_format or ("application/x-ndjson" if lines else "text/event-stream")
        else:
            accept = told.response_format or "application/json"
        headers = {**told.headers, "content-type": told.request_format or "application/json", "accept": accept}
        url = f"{endpoint.address.rstrip('/')}{path}" if path else endpoint.address
        return HttpCall(self._custom.method or "POST", url, headers, written.encode())

    def _items(self, body: bytes) -> list[StreamItem]:
        pieces = Pieces(self._paths, self._custom.finish_reasons, whole=True)
        return [*pieces.take(self._value(body)), *pieces.close(over="finish_reason" not in self._paths)]

    def _value(self, body: bytes) -> Any:
        if self._communication.response_format.startswith("text/"):
            return body.decode(errors="replace")
        value = reading.json_of(body, "the answer")
        if (error := self._errors.within(value)) is not None:
            raise error
        return value


class Custom(Declared):
    """Stands for every declared format: `of` gives the one of an endpoint. By itself it reads the plainest of them."""

    def __init__(self) -> None:
        super().__init__(Communication(custom=_PLAINEST))

    def of(self, endpoint: Endpoint) -> Declared:
        """Return the dialect that an endpoint declares. Raises UnsupportedFieldError when it declares none that works."""
        try:
            return Declared(endpoint.communication or Communication())
        except (TemplateError, PathError) as error:
            raise UnsupportedFieldError(f"the format that the endpoint declares is of no use here: {error}") from None

    def speaks(self, request: Input) -> bool:
        """Whether some declared format can express that kind of request."""
        return isinstance(request, ChatRequest | EmbeddingsRequest | ImageRequest | RerankRequest)

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> Encoded:
        """Write the request for an endpoint in the format that it declares."""
        return self.of(endpoint).encode(request, endpoint, stream=stream, wire=wire)
