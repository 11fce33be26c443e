"""Whole answers at declared paths, of every kind."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from airegistry.dialects import reading
from airegistry.dialects.custom.usage import Counter
from airegistry.dialects.exchange import Answer
from airegistry.dialects.vectors import check_count, row_of
from airegistry.errors import MalformedAnswerError
from airegistry.invocations.content import MediaBlock
from airegistry.invocations.embeddings import Embedding, EmbeddingsRequest, EmbeddingsResponse
from airegistry.invocations.kinds import ImageRequest, ImageResponse, RerankRequest, RerankResponse, RerankResult
from airegistry.invocations.usage import Usage
from airegistry.resources.custom.paths import Path


def other_answer(
    request: EmbeddingsRequest | ImageRequest | RerankRequest, value: Any, paths: Mapping[str, Path]
) -> Answer:
    """Return the answer to anything but a conversation."""
    usage = Counter(paths).take(value)
    match request:
        case EmbeddingsRequest():
            return Answer(_embeddings(request, value, paths), usage and _without_output(usage))
        case ImageRequest():
            return Answer(_images(value, paths), usage)
        case RerankRequest():
            return Answer(_ranking(request, value, paths), usage)


def _without_output(usage: Usage) -> Usage:
    return Usage(input_tokens=usage.input_tokens, output_tokens=0)


def _embeddings(request: EmbeddingsRequest, value: Any, paths: Mapping[str, Path]) -> EmbeddingsResponse:
    found = paths["embeddings"].find(value)
    if not isinstance(found, list) or not found:
        raise MalformedAnswerError("what the answer has for embeddings is no list of vectors")
    # One vector for one input may come without a list around it.
    rows = found if isinstance(found[0], list) else [found]
    check_count(rows, len(request.inputs))
    return EmbeddingsResponse(
        tuple(Embedding(i, row_of(row, f"embeddings[{i}]")) for i, row in enumerate(rows)), _text("model", value, paths)
    )


def _images(value: Any, paths: Mapping[str, Path]) -> ImageResponse:
    found = paths["images"].find(value)
    sources = found if isinstance(found, list) else [found]
    if not sources or not all(isinstance(source, str) and source for source in sources):
        raise MalformedAnswerError("what the answer has for images is no list of texts")
    return ImageResponse(tuple(map(_image, sources)), _text("revised_prompt", value, paths))


def _image(source: str) -> MediaBlock:
    if source.startswith(("http://", "https://")):
        return MediaBlock(url=source)
    head, comma, data = source.partition(",")
    inline = comma and head.startswith("data:") and head.endswith(";base64")
    try:
        raw = base64.b64decode(data if inline else source, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedAnswerError("an image of the answer is neither a URL nor base64") from error
    return MediaBlock(data=raw, media_type=head.removeprefix("data:").removesuffix(";base64") if inline else "")


def _ranking(request: RerankRequest, value: Any, paths: Mapping[str, Path]) -> RerankResponse:
    found = paths["results"].find(value)
    if not isinstance(found, list):
        raise MalformedAnswerError("what the answer has for results is no list")
    results = []
    for place, said in enumerate(found):
        at = f"results[{place}]"
        index = reading.whole({"index": _find("results.index", said, paths, place)}, "index", at)
        score = reading.number({"score": _find("results.score", said, paths, said)}, "score", at)
        if index is None or not 0 <= index < len(request.documents) or score is None:
            raise MalformedAnswerError(f"{at} has no score, or is of no document that was given")
        results.append(RerankResult(index, float(score), request.documents[index] if request.return_documents else ""))
    return RerankResponse(tuple(sorted(results, key=lambda result: -result.score)))


def _find(name: str, value: Any, paths: Mapping[str, Path], default: Any) -> Any:
    return paths[name].find(value) if name in paths else default


def _text(name: str, value: Any, paths: Mapping[str, Path]) -> str:
    found = _find(name, value, paths, None)
    return found if isinstance(found, str) else ""
