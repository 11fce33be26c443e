"""The dialect `tei.rerank`: Text Embeddings Inference's `/rerank`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.calls import json_bytes, post
from airegistry.dialects.errors import error_of
from airegistry.dialects.exchange import Answer, Encoded, Input, StreamDecoder
from airegistry.dialects.tei.counting import usage_of
from airegistry.errors import MalformedAnswerError, ProviderError, UnsupportedFieldError
from airegistry.invocations.kinds import RerankRequest, RerankResponse, RerankResult
from airegistry.resources.endpoint import Endpoint

_SUCCESS: Final = range(200, 300)


class TEIRerank:
    """Orders of documents. The path below an endpoint's address is `/rerank` unless it declares another.

    Scores are between 0 and 1, best first. The server orders all documents; `top_n` is cut here, and the documents come from
    the request, not back from the server.
    """

    name: Final = "tei.rerank"

    def speaks(self, request: Input) -> bool:
        """Whether the request asks for an order."""
        return isinstance(request, RerankRequest)

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
            raise UnsupportedFieldError("an order does not stream")
        asked = _rerank(request)
        body: dict[str, Any] = {
            "query": asked.query,
            "texts": list(asked.documents),
            "raw_scores": False,
            "return_text": False,
        }
        return Encoded(post(endpoint, "/rerank", json_bytes(body), accept="application/json"))

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read the order; every document must have its place."""
        if status not in _SUCCESS:
            raise self.error(status, headers, body)
        asked = _rerank(request)
        ranks = reading.objects({"ranks": reading.json_of(body, "the answer")}, "ranks", "answer")
        results = sorted((_result(rank, i, asked) for i, rank in enumerate(ranks)), key=lambda one: -one.score)
        if sorted(result.index for result in results) != list(range(len(asked.documents))):
            raise MalformedAnswerError("the answer's places are not those of the documents")
        return Answer(RerankResponse(tuple(results[: asked.top_n])), usage_of(headers))

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:  # noqa: ARG002 - nothing streams
        """Refuse: an order does not stream."""
        raise UnsupportedFieldError(f"an order does not stream, nor does a {type(request).__name__} as such")

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status and its body mean."""
        return error_of(status, headers, body)


def _rerank(request: Input) -> RerankRequest:
    if isinstance(request, RerankRequest):
        return request
    raise UnsupportedFieldError(f"dialect tei.rerank cannot express a {type(request).__name__}")


def _result(rank: Mapping[str, Any], place: int, asked: RerankRequest) -> RerankResult:
    index = reading.count(rank, "index", f"answer[{place}]")
    score = reading.number(rank, "score", f"answer[{place}]")
    if index is None or index >= len(asked.documents) or score is None:
        raise MalformedAnswerError(f"answer[{place}] has no index of a document, or no score")
    return RerankResult(index, float(score), asked.documents[index] if asked.return_documents else "")
