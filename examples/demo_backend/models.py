"""The two models, trained together on the same passages."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache

from demo_backend.cards import EMBEDDING_DIMENSIONS
from demo_backend.corpus import passages
from demo_backend.lsa import LsaModel
from demo_backend.ngram import NgramModel
from demo_backend.tokens import Vocabulary


@dataclass(frozen=True, slots=True)
class Models:
    """What training gives. Nothing in it changes afterwards, so any number of requests may share it."""

    vocabulary: Vocabulary
    ngram: NgramModel
    lsa: LsaModel
    fingerprint: str
    """Names the text they were trained on: the same seed gives the same answer only under the same one."""


@cache
def trained_models() -> Models:
    """Train both models (well under a second), once per process."""
    texts = passages()
    vocabulary = Vocabulary(texts)
    return Models(
        vocabulary=vocabulary,
        ngram=NgramModel([vocabulary.encode(text) for text in texts], len(vocabulary)),
        lsa=LsaModel(texts, EMBEDDING_DIMENSIONS),
        fingerprint=f"fp_{zlib.crc32(repr(texts).encode()):08x}",
    )
