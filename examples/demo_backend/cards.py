"""What each model is and how much it takes, for the launcher and for /v1/models; imports nothing heavy."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model as its clients see it. A context window counts the model's own tokens."""

    id: str
    task: str
    context_window: int
    description: str


OWNER: Final = "demo-backend"
EMBEDDING_DIMENSIONS: Final = 256

_CORPUS: Final = f"the language reference shipped with Python {platform.python_version()} (pydoc_data.topics)"

CHAT: Final = ModelCard(
    id="demo-ngram",
    task="text-generation",
    context_window=8192,
    description=(
        f"A toy: an interpolated 5-gram model over {_CORPUS}, drawn towards the passages nearest to the prompt. "
        "It recombines phrases of that text; it does not understand, reason or follow instructions."
    ),
)
EMBEDDING: Final = ModelCard(
    id="demo-lsa",
    task="feature-extraction",
    context_window=8192,
    description=(
        f"A toy: latent semantic analysis (TF-IDF and SVD, {EMBEDDING_DIMENSIONS} dimensions) over {_CORPUS}. "
        "Python topics that are related lie close; words outside that text only match themselves."
    ),
)
CARDS: Final = {card.id: card for card in (CHAT, EMBEDDING)}
