"""Older spellings of tasks, as what they mean in Hugging Face pipeline tags and capabilities."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple


class TaskMeaning(NamedTuple):
    """One way to do a task: models with this pipeline tag and, unless empty, this capability."""

    tag: str
    capability: str = ""


_CHAT = (TaskMeaning("text-generation"), TaskMeaning("image-text-to-text"))
_EMBEDDINGS = (TaskMeaning("feature-extraction"), TaskMeaning("sentence-similarity"))
_IMAGES = (TaskMeaning("text-to-image"), TaskMeaning("image-to-image"))
_CODE = (TaskMeaning("text-generation", "code"), TaskMeaning("image-text-to-text", "code"))
_SPEECH = (TaskMeaning("text-to-speech"), TaskMeaning("text-to-audio"))
_TRANSCRIPTION = (TaskMeaning("automatic-speech-recognition"),)
_RERANKING = (TaskMeaning("text-ranking"),)

SPELLINGS: Mapping[str, tuple[TaskMeaning, ...]] = {
    "chat": _CHAT,
    "chat-completion": _CHAT,
    "completion": _CHAT,
    "conversational": _CHAT,
    "text-completion": _CHAT,
    "code": _CODE,
    "code-completion": _CODE,
    "code-generation": _CODE,
    "reasoning": (TaskMeaning("text-generation", "reasoning"), TaskMeaning("image-text-to-text", "reasoning")),
    # Tags of their own, and work that any text generator takes.
    "summarization": (TaskMeaning("summarization"), TaskMeaning("text2text-generation"), *_CHAT),
    "translation": (TaskMeaning("translation"), TaskMeaning("text2text-generation"), *_CHAT),
    "vision": (
        TaskMeaning("image-text-to-text"),
        TaskMeaning("visual-question-answering"),
        TaskMeaning("image-to-text"),
        TaskMeaning("text-generation", "vision"),
    ),
    "embedding": _EMBEDDINGS,
    "embeddings": _EMBEDDINGS,
    "text-embedding": _EMBEDDINGS,
    "image-generation": _IMAGES,
    "speech-to-text": _TRANSCRIPTION,
    "transcription": _TRANSCRIPTION,
    "speech-synthesis": _SPEECH,
    "tts": _SPEECH,
    "rerank": _RERANKING,
    "reranking": _RERANKING,
    # Not every classifier judges what may be said, and some that do are text generators.
    "moderation": (TaskMeaning("text-classification", "moderation"), TaskMeaning("text-generation", "moderation")),
    "ocr": (TaskMeaning("image-to-text"),),
}


@lru_cache(maxsize=256)
def meanings(task: str) -> tuple[TaskMeaning, ...]:
    """Return the ways to do *task*; a name that is no older spelling is a pipeline tag."""
    return SPELLINGS.get(task) or (TaskMeaning(task),)
