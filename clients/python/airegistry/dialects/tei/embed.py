"""The dialect `tei.embed`: Text Embeddings Inference's `/embed`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.calls import json_bytes, post
from airegistry.dialects.errors import error_of
from airegistry.dialects.exchange import Answer, Encoded, Input, StreamDecoder
from airegistry.dialects.tei.counting import usage_of
from airegistry.dialects.vectors import rows_of
from airegistry.errors import InvalidArgumentError, ProviderError, UnsupportedFieldError
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest, EmbeddingsResponse
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.endpoint import Endpoint

_SUCCESS: Final = range(200, 300)
_CANONICAL: Final = frozenset(["inputs", "dimensions"])
_PASSED: Final = frozenset(["normalize", "truncate", "truncation_direction", "prompt_name"])


class TEIEmbed:
    """Vectors. The path below an endpoint's address is `/embed` unless it declares another.

    The server makes them of length 1 unless `extra` has `normalize` false, and refuses texts that are too long unless it has
    `truncate` true.
    """

    name: Final = "tei.embed"

    def speaks(self, request: Input) -> bool:
        """Whether the request asks for vectors."""
        return isinstance(request, EmbeddingsRequest)

    def encode(
        self,
        request: Input,
        endpoint: Endpoint,
        *,
        stream: bool,
        wire: bytes | None = None,  # noqa: ARG002 - no front speaks this format
    ) -> Encoded:
        """Write the request."""
        if stream:
            raise UnsupportedFieldError("embeddings do not stream")
        asked = _embeddings(request)
        call = post(endpoint, "/embed", json_bytes(_body(asked)), accept="application/json")
        return Encoded(call, tuple(_unsaid(asked)))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read the vectors; there must be one per input."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        rows = rows_of(reading.json_of(body, "the answer"), "the answer", wanted=len(_embeddings(request).inputs))
        return Answer(EmbeddingsResponse(rows), usage_of(headers))

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:  # noqa: ARG002 - nothing streams
        """Refuse: embeddings do not stream."""
        raise UnsupportedFieldError(f"embeddings do not stream, nor does a {type(request).__name__} as such")

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status and its body mean."""
        return error_of(status, headers, body)


def _embeddings(request: Input) -> EmbeddingsRequest:
    if isinstance(request, EmbeddingsRequest):
        return request
    raise UnsupportedFieldError(f"dialect tei.embed cannot express a {type(request).__name__}")


def _body(asked: EmbeddingsRequest) -> dict[str, Any]:
    extra = asked.extra or {}
    for name in sorted(extra.keys() & _CANONICAL):
        raise InvalidArgumentError.of(f"embeddings.extra.{name}", "repeats a field of the request itself")
    body: dict[str, Any] = {"inputs": [_input(one) for one in asked.inputs]}
    if asked.dimensions is not None:
        body["dimensions"] = asked.dimensions
    body.update({name: extra[name] for name in sorted(_PASSED & extra.keys())})
    return body


def _input(one: EmbeddingInput) -> str | list[int] | None:
    return one.text if one.token_ids is None else list(one.token_ids.ids)


def _unsaid(asked: EmbeddingsRequest) -> list[FieldWarning]:
    extra = asked.extra or {}
    lost = {f"embeddings.extra.{name}": "this format has no such field; not sent" for name in extra.keys() - _PASSED}
    if asked.user:
        lost["embeddings.user"] = "this format has no field for it; not sent"
    if asked.purpose and "prompt_name" not in extra:
        lost["embeddings.purpose"] = "the model's own prompts go by `prompt_name` in extra; not sent"
    return [FieldWarning(path, lost[path]) for path in sorted(lost)]
