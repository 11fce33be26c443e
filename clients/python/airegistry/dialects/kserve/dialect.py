"""The dialect `kserve.v2`: models behind Triton, MLServer and whoever else speaks the Open Inference Protocol by gRPC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.custom.context import context_of, kind_of
from airegistry.dialects.custom.losses import block_losses, losses
from airegistry.dialects.errors import error_of, error_within
from airegistry.dialects.events.ndjson import LineDecoder
from airegistry.dialects.events.sse import SSEvent
from airegistry.dialects.events.streams import EventStream
from airegistry.dialects.exchange import Answer, GrpcCall, GrpcEncoded, Input, StreamDecoder
from airegistry.dialects.kserve.names import Names
from airegistry.dialects.kserve.requests import SETTINGS, RequestWriter
from airegistry.dialects.kserve.responses import Pieces, vectors_of
from airegistry.errors import ProviderError, TruncatedAnswerError, UnsupportedFieldError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest, FinishReason
from airegistry.invocations.embeddings import EmbeddingsRequest, EmbeddingsResponse
from airegistry.invocations.streaming import StreamItem
from airegistry.resources.custom.template import Template, TemplateError, compile_template
from airegistry.resources.endpoint import CustomFormat, Endpoint

_SUCCESS: Final = range(200, 300)
_GRPC: Final = ("grpc://", "grpcs://")
_NOTHING: Final = CustomFormat()


class KServe:
    """Conversations that a template makes a prompt of, and embeddings. Which tensors have what, endpoints may declare."""

    name: Final = "kserve.v2"

    def __init__(self, custom: CustomFormat = _NOTHING) -> None:
        self._names = Names(custom.tensors)
        self._reasons: Mapping[str, FinishReason] = custom.finish_reasons
        self._template: Template | None = None
        if custom.request_template:
            self._template = compile_template(custom.request_template)

    def of(self, endpoint: Endpoint) -> KServe:
        """Return the dialect with the names that an endpoint declares. Raises UnsupportedFieldError."""
        custom = endpoint.communication.custom if endpoint.communication is not None else None
        try:
            return self if custom is None else KServe(custom)
        except TemplateError as error:
            raise UnsupportedFieldError(f"the template that the endpoint declares is of no use here: {error}") from None

    def speaks(self, request: Input) -> bool:
        """Whether the request is a conversation, or asks for vectors."""
        return isinstance(request, ChatRequest | EmbeddingsRequest)

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> GrpcEncoded:  # noqa: ARG002 - no front speaks this format
        """Write the request."""
        if not endpoint.address.startswith(_GRPC):
            raise UnsupportedFieldError("dialect kserve.v2 is spoken with addresses of grpc:// and grpcs:// only")
        if not self.speaks(request):
            raise UnsupportedFieldError(f"dialect kserve.v2 cannot express a {type(request).__name__}")
        model, writer = endpoint.upstream_model, RequestWriter(self._names)
        context = context_of(request, model, stream=stream)
        warnings = losses(request, context, self._written)
        if isinstance(request, EmbeddingsRequest):
            infer = writer.embeddings(model, _texts(request))
        else:
            prompt = self._prompt(context)
            warnings += block_losses(request, prompt, lambda less: self._prompt(context_of(less, model, stream=stream)))
            infer = writer.chat(model, prompt, context, stream=stream)
        headers = dict(endpoint.communication.headers) if endpoint.communication is not None else {}
        call = GrpcCall(endpoint.address, infer, headers, stream=stream)
        return GrpcEncoded(call, (*warnings, *writer.warnings))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read a whole answer."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        value = reading.mapping(reading.json_of(body, "the answer"), "the answer")
        if (error := error_within(value)) is not None:
            raise error
        if isinstance(request, EmbeddingsRequest):
            vectors = vectors_of(value, self._names, wanted=len(request.inputs))
            return Answer(EmbeddingsResponse(vectors, reading.text(value, "model_name", "answer")))
        pieces = self._pieces(request)
        response, usage = assemble([*pieces.take(value), *pieces.close()])
        return Answer(response, usage)

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:  # noqa: ARG002 - as above
        """Return the reader of one streamed answer."""
        return EventStream(LineDecoder(), InferEvents(self._pieces(request)))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status means; the transport gives it in HTTP's terms."""
        return error_of(status, headers, body)

    @property
    def _written(self) -> frozenset[str]:
        """The variables of a request that this model gets."""
        settings = frozenset(field for field in SETTINGS if self._names.place(field) is not None)
        return (
            settings | {"inputs", "prompt"} | (self._template.variables if self._template is not None else frozenset())
        )

    def _prompt(self, context: Mapping[str, Any]) -> str:
        if self._template is None:
            return str(context["prompt"] or "")
        try:
            return self._template.render(context)
        except TemplateError as error:
            raise UnsupportedFieldError(f"the endpoint's template cannot write this request: {error}") from None

    def _pieces(self, request: Input) -> Pieces:
        if not isinstance(request, ChatRequest):
            raise UnsupportedFieldError(f"a {kind_of(request)} request has no streamed form in dialect kserve.v2")
        return Pieces(self._names, self._reasons, request)


class InferEvents:
    """The EventReader of one answer: a response to a line, and `{"end": true}` after a stream that ended well."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._ended = False

    @property
    def over(self) -> bool:
        """Whether the last response came."""
        return self._ended or self._pieces.over

    @property
    def ending(self) -> bool:
        """The same: nothing tells an end before."""
        return self.over

    @property
    def mended(self) -> bool:
        """Never: nothing is relayed."""
        return False

    def take(self, event: SSEvent) -> list[StreamItem]:
        """Return what a response adds."""
        value = reading.mapping(reading.json_of(event.data, "a streamed item"), "a streamed item")
        if value.get("end") is True:
            self._ended = True
            return []
        return self._pieces.take(value)

    def close(self) -> list[StreamItem]:
        """Return how the answer ended."""
        if not self.over:
            raise TruncatedAnswerError("the stream broke off")
        return self._pieces.close()


def _texts(request: EmbeddingsRequest) -> list[str]:
    texts = [one.text for one in request.inputs if one.text is not None]
    if len(texts) != len(request.inputs):
        raise UnsupportedFieldError.of("embeddings.inputs", "this format takes texts, not token ids")
    return texts
