"""The keys of LiteLLM's price map: a provider, its own id of a model, and what narrows the entry down.

A key is `provider/id` or the id alone. A region, the size and quality of an image, or a commitment may stand before the id:
`bedrock/us-east-1/…`, `azure/hd/1024-x-1792/dall-e-3`, `bedrock/*/1-month-commitment/…`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airegistry.importers.identifiers import Original
from airegistry.importers.report import Note
from airegistry.resources.names import slug

# LiteLLM's names of providers whom we know by another one. Where the name says which API is asked, not who answers, too.
_PROVIDERS: Mapping[str, str] = {
    "azure_text": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "fireworks_ai-embedding-models": "fireworks",
    "gemini": "google",
    "moonshot": "moonshotai",
    "text-completion-codestral": "codestral",
    "text-completion-inception": "inception",
    "text-completion-openai": "openai",
    "together_ai": "together",
    "voyage": "voyageai",
    "xai": "x-ai",
}
_VERTEX = "vertex_ai"
# Words of a key that say by which route of a provider's API it is reached, not which model it is.
_ROUTES = frozenset({"bedrock", "invoke"})
_QUALITIES = frozenset({"low", "medium", "high", "xhigh", "max", "standard", "hd"})
_SIZE = re.compile(r"(\d+|max)-x-(\d+|max)")
_STEPS = re.compile(r"(\d+|max)-steps")
_COMMITMENT = re.compile(r"(\d+-month)-commitment")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_ZONES: Mapping[str, str] = {zone: zone for zone in ("apac", "eu", "global", "us", "us-gov")} | {
    "global-standard": "global"
}
_ZONED = frozenset({"azure", "azure_ai"})
# Prices by the size of a model, and those of fine-tuned models: no model that anybody could ask for.
_CLASSES = re.compile(r"(?:fireworks|together)-ai-|ft:")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: whom it is about, and the fields as they stand in the map. `variant` says of which calls its prices are."""

    key: str
    original: Original
    fields: Mapping[str, Any]
    region: str = ""
    variant: Mapping[str, str] = field(default_factory=dict)

    @property
    def mode(self) -> str:
        """What LiteLLM says the model is for; empty: nothing."""
        mode = self.fields.get("mode")
        return mode if isinstance(mode, str) else ""


def entries_of(prices: Mapping[str, Any], notes: list[Note]) -> Iterator[Entry]:
    """Yield an entry for every model of the map; what is none is noted."""
    for key, fields in prices.items():
        if key == "sample_spec":
            continue
        reason = _not_a_model(key, fields)
        entry = None if reason else _entry(key, fields)
        if entry is not None and entry.original.id:
            yield entry
        else:
            notes.append(Note(key, reason or "names no model: left out"))


def _not_a_model(key: str, fields: Any) -> str:
    if not isinstance(fields, Mapping):
        return "is not an object: left out"
    if "alias_of" in fields:
        return "another name of an entry: left out"
    provider = fields.get("litellm_provider")
    if not isinstance(provider, str) or not slug(provider):
        return "names no provider: left out"
    return "a class of prices, not a model: left out" if _CLASSES.match(key) else ""


def _entry(key: str, fields: Mapping[str, Any]) -> Entry:
    provider = str(fields["litellm_provider"])
    words = key.split("/")
    if len(words) > 1 and words[0] in _prefixes(provider):
        del words[0]
    region, variant = "", dict[str, str]()
    # The last word is always of the id.
    while len(words) > 1:
        if words[0] in _ROUTES and provider.startswith("bedrock"):
            pass
        elif place := _place(words[0], provider):
            region = place.removeprefix("*")
        elif found := _qualifier(words):
            variant |= found
        else:
            break
        del words[0]
    return Entry(key, Original(provider_id(provider), "/".join(words)), fields, region, variant)


def provider_id(provider: str) -> str:
    """Return our id of a provider."""
    if provider.startswith(_VERTEX):
        return "vertex-ai"
    return _PROVIDERS.get(provider) or slug(provider.replace("_", "-"))


def _prefixes(provider: str) -> frozenset[str]:
    family = provider.removeprefix("text-completion-").split("-")[0]
    return frozenset({provider, provider.replace("_", "-"), family, family.removesuffix("_text")})


def _place(word: str, provider: str) -> str:
    if provider.startswith("bedrock"):
        return word if word == "*" or _REGION.fullmatch(word) else ""
    return _ZONES.get(word, "") if provider in _ZONED else ""


def _qualifier(words: list[str]) -> dict[str, str]:
    """Return what the first word says of the calls that an entry is about; empty when it is of the id."""
    word = words[0]
    if size := _SIZE.fullmatch(word):
        return {"size": f"{size[1]}x{size[2]}" if size[1] != size[2] or size[1] != "max" else "max"}
    if steps := _STEPS.fullmatch(word):
        return {"steps": steps[1]}
    if commitment := _COMMITMENT.fullmatch(word):
        return {"commitment": commitment[1]}
    # `high` may be a model of somebody's; before a size it is a quality.
    return {"quality": word} if word in _QUALITIES and _SIZE.fullmatch(words[1]) else {}
