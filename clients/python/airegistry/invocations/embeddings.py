"""Texts to turn into vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TokenIds:
    """Token ids."""

    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EmbeddingInput:
    """One input."""

    text: str | None = None
    token_ids: TokenIds | None = None


@dataclass(frozen=True, slots=True)
class EmbeddingsRequest:
    """Texts to turn into vectors."""

    inputs: tuple[EmbeddingInput, ...] = ()
    dimensions: int | None = None
    purpose: str = ""
    user: str = ""
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Embedding:
    """One vector."""

    index: int = 0
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class EmbeddingsResponse:
    """The vectors."""

    embeddings: tuple[Embedding, ...] = ()
    upstream_model: str = ""
    extra: Mapping[str, Any] | None = None
