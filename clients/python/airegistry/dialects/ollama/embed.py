"""The dialect `ollama.embed`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.calls import json_bytes, post
from airegistry.dialects.errors import error_of, error_within
from airegistry.dialects.exchange import Answer, Encoded, Input, StreamDecoder
from airegistry.dialects.ollama.options import RUNTIME
from airegistry.dialects.relaying import relayed
from airegistry.dialects.vectors import rows_of
from airegistry.errors import InvalidArgumentError, ProviderError, UnsupportedFieldError
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest, EmbeddingsResponse
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.usage import Usage
from airegistry.resources.endpoint import Endpoint

_SUCCESS: Final = range(200, 300)
_CANONICAL: Final = frozenset(["model", "input", "dimensions"])
_PASSED: Final = frozenset(["truncate", "keep_alive", "options"])
_KNOWN: Final = frozenset(["model", "embeddings", "prompt_eval_count", "error"])


class OllamaEmbed:
    """Vectors. The path below an endpoint's address is `/api/embed` unless it declares another.

    Texts that are too long are cut to fit unless `extra` has `truncate` false: so the server does by itself.
    """

    name: Final = "ollama.embed"

    def speaks(self, request: Input) -> bool:
        """Whether the request asks for vectors."""
        return isinstance(request, EmbeddingsRequest)

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> Encoded:
        """Write the request."""
        if stream:
            raise UnsupportedFieldError("embeddings do not stream")
        asked = _embeddings(request)
        if wire is not None:
            body = relayed(wire, ("model",), {"model": endpoint.upstream_model})
            return Encoded(post(endpoint, "/api/embed", body, accept="application/json"))
        body = json_bytes(_body(asked, endpoint.upstream_model))
        return Encoded(post(endpoint, "/api/embed", body, accept="application/json"), tuple(_unsaid(asked)))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read the vectors; there must be one per input."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        answer = reading.mapping(reading.json_of(body, "the answer"), "the answer")
        if (error := error_within(answer)) is not None:
            raise error
        extra = {name: answer[name] for name in answer.keys() - _KNOWN if answer[name] is not None}
        response = EmbeddingsResponse(
            embeddings=rows_of(answer.get("embeddings"), "embeddings", wanted=len(_embeddings(request).inputs)),
            upstream_model=reading.text(answer, "model", "answer"),
            extra=extra or None,
        )
        count = reading.count(answer, "prompt_eval_count", "answer")
        return Answer(response, None if count is None else Usage(input_tokens=count, output_tokens=0))

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:  # noqa: ARG002 - nothing streams
        """Refuse: embeddings do not stream."""
        raise UnsupportedFieldError(f"embeddings do not stream, nor does a {type(request).__name__} as such")

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status and its body mean."""
        return error_of(status, headers, body)


def _embeddings(request: Input) -> EmbeddingsRequest:
    if isinstance(request, EmbeddingsRequest):
        return request
    raise UnsupportedFieldError(f"dialect ollama.embed cannot express a {type(request).__name__}")


def _body(asked: EmbeddingsRequest, model: str) -> dict[str, Any]:
    extra = asked.extra or {}
    for name in sorted(extra.keys() & _CANONICAL):
        raise InvalidArgumentError.of(f"embeddings.extra.{name}", "repeats a field of the request itself")
    body: dict[str, Any] = {"model": model, "input": [_text(one, i) for i, one in enumerate(asked.inputs)]}
    if asked.dimensions is not None:
        body["dimensions"] = asked.dimensions
    body.update({name: extra[name] for name in _PASSED & extra.keys()})
    if runtime := {name: extra[name] for name in RUNTIME & extra.keys()}:
        body["options"] = {**runtime, **(body.get("options") or {})}
    return body


def _text(one: EmbeddingInput, i: int) -> str:
    if one.text is None:
        raise UnsupportedFieldError.of(f"embeddings.inputs[{i}].token_ids", "this format takes texts only")
    return one.text


def _unsaid(asked: EmbeddingsRequest) -> list[FieldWarning]:
    lost = {f"embeddings.{name}": "this format has no field for it; not sent" for name in _given(asked)}
    for name in sorted((asked.extra or {}).keys() - _PASSED - RUNTIME):
        lost[f"embeddings.extra.{name}"] = "this format has no such field; not sent"
    return [FieldWarning(path, message) for path, message in lost.items()]


def _given(asked: EmbeddingsRequest) -> list[str]:
    return [name for name in ("purpose", "user") if getattr(asked, name)]
