"""The rules for what is not a conversation."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from airegistry.errors import FieldViolation
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.kinds import ImageRequest, RawRequest, RerankRequest
from airegistry.invocations.validation.content import check_media
from airegistry.resources.validation.rules import MAX_INT32, Violations, each, required, size, whole

_DECODINGS: Final = 3
"""Somebody on the way may decode a path once more."""

_PURPOSES: Final = ("", "query", "document", "classification", "clustering")


def check_embeddings(request: EmbeddingsRequest, path: str) -> Violations:
    """Yield what is wrong with a request for vectors."""
    yield from each(request.inputs, f"{path}.inputs", _check_embedding_input, least=1, most=2_048)
    yield from whole(request.dimensions, f"{path}.dimensions", low=1, high=MAX_INT32)
    if request.purpose not in _PURPOSES:
        yield FieldViolation(f"{path}.purpose", "must be empty, query, document, classification or clustering")


def _check_embedding_input(one: EmbeddingInput, path: str) -> Violations:
    if (one.text is None) == (one.token_ids is None):
        yield FieldViolation(path, "exactly one of text and token_ids must be set")
    if one.text is not None:
        yield from required(one.text, f"{path}.text")
    if one.token_ids is not None:
        yield from size(one.token_ids.ids, f"{path}.token_ids.ids", least=1, most=MAX_INT32)


def check_rerank(request: RerankRequest, path: str) -> Violations:
    """Yield what is wrong with a request for an order."""
    yield from required(request.query, f"{path}.query")
    yield from size(request.documents, f"{path}.documents", least=1, most=1_000)
    yield from whole(request.top_n, f"{path}.top_n", low=1, high=MAX_INT32)


def check_image(request: ImageRequest, path: str) -> Violations:
    """Yield what is wrong with a request for images."""
    yield from required(request.prompt, f"{path}.prompt")
    yield from each(request.inputs, f"{path}.inputs", check_media, most=16)
    yield from whole(request.count, f"{path}.count", low=1, high=10)


def check_raw(request: RawRequest, path: str) -> Violations:
    """Yield what is wrong with a request to pass through."""
    yield from required(request.dialect, f"{path}.dialect")
    yield from _check_path(request.path, f"{path}.path")
    if not (request.content_type.isascii() and request.content_type.isprintable()):
        yield FieldViolation(f"{path}.content_type", "must be a media type")


def _check_path(value: str, path: str) -> Violations:
    """Refuse what does not stay below the endpoint's address: a credential of ours goes with it."""
    if not value:
        return
    if not (value.isascii() and value.isprintable() and not set(value) & set(" \\#")):
        yield FieldViolation(path, "must have only characters of a URL's path and query")
    elif not value.startswith("/") or value.startswith("//"):
        yield FieldViolation(path, "must begin with one /: it is a path below the endpoint's address")
    elif _climbs(value.partition("?")[0]):
        yield FieldViolation(path, "must not have . or .. as a segment, written in any way")


def _climbs(path: str) -> bool:
    for _ in range(_DECODINGS):
        path = unquote(path)
    return not {".", ".."}.isdisjoint(path.replace("\\", "/").split("/"))
