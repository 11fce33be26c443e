"""Provider wire formats, by name: those of ours, and those that installed packages add."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from airegistry.dialects.base import Dialect, PerEndpoint
from airegistry.errors import FailedPreconditionError
from airegistry.resources.endpoint import Endpoint

__all__ = ["ENTRY_POINTS", "Dialect", "for_endpoint", "get", "names"]

ENTRY_POINTS = "airegistry.dialects"
"""The entry-point group of users' own dialects: a name, and an object (or a class) with the methods of Dialect."""

_OURS = {
    "a2a": ("airegistry.dialects.a2a.dialect", "A2A"),
    "anthropic.messages": ("airegistry.dialects.anthropic.messages", "AnthropicMessages"),
    "gemini.generate_content": ("airegistry.dialects.gemini.generate_content", "GeminiGenerateContent"),
    "ollama.chat": ("airegistry.dialects.ollama.chat", "OllamaChat"),
    "ollama.embed": ("airegistry.dialects.ollama.embed", "OllamaEmbed"),
    "custom": ("airegistry.dialects.custom.dialect", "Custom"),
    "kserve.v2": ("airegistry.dialects.kserve.dialect", "KServe"),
    "openai.chat": ("airegistry.dialects.openai.chat", "OpenAIChat"),
    "openai.embeddings": ("airegistry.dialects.openai.embeddings", "OpenAIEmbeddings"),
    "openai.images": ("airegistry.dialects.openai_images.dialect", "OpenAIImages"),
    "openai.responses": ("airegistry.dialects.openai_responses.dialect", "OpenAIResponses"),
    "tei.embed": ("airegistry.dialects.tei.embed", "TEIEmbed"),
    "tei.rerank": ("airegistry.dialects.tei.rerank", "TEIRerank"),
    "tgi.generate": ("airegistry.dialects.tgi.generate", "TGIGenerate"),
}


def names() -> tuple[str, ...]:
    """Return the names of all dialects that can be had here, sorted. Loads none of them."""
    return tuple(sorted({*_OURS, *entry_points(group=ENTRY_POINTS).names}))


@cache
def get(name: str) -> Dialect | None:
    """Return the dialect of that name, or None. Ours win over those of other packages.

    Raises FailedPreconditionError when an installed package offers the name but cannot deliver it.
    """
    if name in _OURS:
        module, attribute = _OURS[name]
        ours: Dialect = getattr(import_module(module), attribute)()
        return ours
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        return _loaded(entry)
    return None


def for_endpoint(dialect: Dialect, endpoint: Endpoint) -> Dialect:
    """Return the dialect as an endpoint declares it, where that is for endpoints to declare.

    Raises UnsupportedFieldError when the endpoint declares nothing that works.
    """
    return cast(PerEndpoint, dialect).of(endpoint) if _declared(type(dialect)) else dialect


@cache
def _declared(cls: type[Dialect]) -> bool:
    # Remembered: to look a protocol's methods up takes microseconds, and every call asks.
    return issubclass(cls, PerEndpoint)


def _loaded(entry: EntryPoint) -> Dialect:
    origin = f"dialect {entry.name!r} ({entry.value}, package {entry.dist.name if entry.dist else 'unknown'})"
    try:
        made = entry.load()
        dialect = made() if isinstance(made, type) else made
    except Exception as error:
        raise FailedPreconditionError(f"{origin} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(dialect, Dialect):
        raise FailedPreconditionError(f"{origin} lacks methods of airegistry.dialects.Dialect")
    return dialect
