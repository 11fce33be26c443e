"""The dialect `openai.embeddings`."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.calls import json_bytes, post
from airegistry.dialects.errors import error_of, error_within
from airegistry.dialects.exchange import Answer, Encoded, Input, StreamDecoder
from airegistry.dialects.openai.usage import embeddings_usage_of
from airegistry.dialects.relaying import relayed
from airegistry.dialects.vectors import check_count, row_of
from airegistry.errors import InvalidArgumentError, MalformedAnswerError, ProviderError, UnsupportedFieldError
from airegistry.invocations.embeddings import Embedding, EmbeddingInput, EmbeddingsRequest, EmbeddingsResponse
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.endpoint import Endpoint

_SUCCESS: Final = range(200, 300)
_CANONICAL: Final = frozenset(("model", "input", "dimensions", "encoding_format", "user"))
_KNOWN: Final = frozenset(("object", "data", "model", "usage", "error"))


class OpenAIEmbeddings:
    """Vectors. The path below an endpoint's address is `/embeddings` unless it declares another."""

    name: Final = "openai.embeddings"

    def speaks(self, request: Input) -> bool:
        """Whether the request asks for vectors."""
        return isinstance(request, EmbeddingsRequest)

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> Encoded:
        """Write the request. Vectors are asked for in base64, a quarter of the bytes; both forms are read."""
        if stream:
            raise UnsupportedFieldError("embeddings do not stream")
        asked, model = _embeddings(request), endpoint.upstream_model
        if wire is None:
            body, unsaid = json_bytes(_body(asked, model)), _unsaid(asked)
        else:
            body, unsaid = relayed(wire, ("model",), {"model": model}), ()
        return Encoded(post(endpoint, "/embeddings", body, accept="application/json"), unsaid)

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read the vectors; there must be one per input."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        answer = reading.mapping(reading.json_of(body, "the answer"), "the answer")
        if (error := error_within(answer)) is not None:
            raise error
        extra = {name: answer[name] for name in answer.keys() - _KNOWN if answer[name] is not None}
        response = EmbeddingsResponse(
            embeddings=_vectors(reading.objects(answer, "data", "answer"), len(_embeddings(request).inputs)),
            upstream_model=reading.text(answer, "model", "answer"),
            extra=extra or None,
        )
        return Answer(response, embeddings_usage_of(answer))

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:  # noqa: ARG002 - nothing streams
        """Refuse: embeddings do not stream."""
        raise UnsupportedFieldError(f"embeddings do not stream, nor does a {type(request).__name__} as such")

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status and its body mean."""
        return error_of(status, headers, body)


def _embeddings(request: Input) -> EmbeddingsRequest:
    if isinstance(request, EmbeddingsRequest):
        return request
    raise UnsupportedFieldError(f"dialect openai.embeddings cannot express a {type(request).__name__}")


def _body(asked: EmbeddingsRequest, model: str) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "input": _inputs(asked.inputs), "encoding_format": "base64"}
    if asked.dimensions is not None:
        body["dimensions"] = asked.dimensions
    if asked.user:
        body["user"] = asked.user
    for name, value in (asked.extra or {}).items():
        if name in _CANONICAL:
            raise InvalidArgumentError.of(f"embeddings.extra.{name}", "repeats a field of the request itself")
        body[name] = value
    return body


def _inputs(inputs: tuple[EmbeddingInput, ...]) -> list[Any]:
    texts = [one.text for one in inputs if one.text is not None]
    tokens = [list(one.token_ids.ids) for one in inputs if one.token_ids is not None]
    if texts and tokens:
        raise UnsupportedFieldError.of(
            "embeddings.inputs", "this format takes texts or token ids, not both in one call"
        )
    return texts or tokens


def _unsaid(asked: EmbeddingsRequest) -> tuple[FieldWarning, ...]:
    if not asked.purpose:
        return ()
    return (FieldWarning("embeddings.purpose", "this format has no field for it; not sent"),)


def _vectors(data: list[Mapping[str, Any]], wanted: int) -> tuple[Embedding, ...]:
    check_count(data, wanted)
    vectors: dict[int, Embedding] = {}
    for position, one in enumerate(data):
        index = reading.whole(one, "index", f"data[{position}]")
        index = position if index is None else index
        vectors[index] = Embedding(index, _components(one.get("embedding"), position))
    if sorted(vectors) != list(range(wanted)):
        raise MalformedAnswerError("the answer's vectors do not have the indexes of the inputs")
    return tuple(vectors[index] for index in range(wanted))


def _components(value: Any, position: int) -> tuple[float, ...]:
    if isinstance(value, str):
        packed = reading.base64_bytes(value, f"data[{position}].embedding")
        if len(packed) % 4:
            raise MalformedAnswerError(f"data[{position}].embedding is not a row of 32-bit floats")
        return struct.unpack(f"<{len(packed) // 4}f", packed)
    return row_of(value, f"data[{position}].embedding")
