"""The rows of the two real catalogs, read in plain Python: what a person who opens the sources sees.

Nothing of the importers or of discovery is used here, so that answers can be checked against it. What docs/catalog.md and
docs/discovery.md say in words is said here once more in code: which rows are one model, which zeros are believed, what a name
hints at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from genai_prices.data import providers
from genai_prices.types import TieredPrices

from tests import litellm_map

MILLION = 10**6
# LiteLLM's providers by genai-prices' names.
_PROVIDERS = {
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
_SIZED = re.compile(r"(^|/)(\d+|max)-(x|steps)|month-commitment")
_CLASS = re.compile(r"(fireworks|together)-ai-|ft:")
_ZONES = {"us": "us", "eu": "eu", "apac": "apac", "global": "global", "us-gov": "us-gov", "global-standard": "global"}
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_NO_OUTPUT = {"embedding", "rerank", "moderation", "evaluation", "decisions"}
_INPUTS = ("vision", "image_input", "embedding_image_input", "pdf_input", "audio_input", "video_input")
_GENERATES = {"chat", "completion", "responses"}
_WORDS = (
    (("rerank",), "rerank"),
    (("embed", "bge-", "gte-", "e5-", "voyage-"), "embedding"),
    (("whisper", "transcribe", "transcription"), "audio_transcription"),
    (("-tts", "tts-", "text-to-speech", "speech-"), "audio_speech"),
    (("gpt-image", "dall-e", "imagen", "flux", "stable-diffusion"), "image_generation"),
    (("sora", "veo-"), "video_generation"),
    (("ocr",), "ocr"),
    (("moderation",), "moderation"),
)


@dataclass
class Row:
    """A model of a provider in a region: what the sources say of it."""

    provider: str
    id: str
    region: str = ""
    genai: Any = None
    litellm: dict[str, Any] = field(default_factory=dict)
    everywhere: dict[str, Any] = field(default_factory=dict)
    """The entry of LiteLLM that says what the model is, whatever the region; a region's own says more, or otherwise."""
    known: Any = None
    """What genai-prices says of the model, whatever the region."""
    key: str = ""
    """The key of LiteLLM's entry."""

    def said(self, name: str) -> Any:
        """What LiteLLM says of it, in its region or in general."""
        return self.litellm.get(name, self.everywhere.get(name))

    @property
    def mode(self) -> str:
        """What it is for, in LiteLLM's words; for a row of genai-prices alone what its name and its prices give away."""
        return str(self.said("mode")) if self.litellm else self._guessed()

    def _guessed(self) -> str:
        lowered = self.id.lower()
        for words, mode in _WORDS:
            if any(word in lowered for word in words):
                return mode
        return "chat" if any("output_mtok" in held for held in self._held()) else ""

    def _held(self) -> list[dict[str, Any]]:
        prices = self.genai.prices if isinstance(self.genai.prices, list) else [self.genai]
        return [{key: value for key, value in vars(each.prices).items() if value is not None} for each in prices]

    @property
    def generates(self) -> bool:
        """Whether it writes text."""
        return self.mode in _GENERATES

    def can(self, ability: str) -> bool:
        """Whether LiteLLM says that it can."""
        return self.said(f"supports_{ability}") is True

    @property
    def reasons(self) -> bool:
        """Whether it is said to reason; where nothing is said, whether its name or a price says so."""
        said = self.said("supports_reasoning")
        if isinstance(said, bool):
            return said
        named = re.search(r"(?<!non-)(reasoning|reasoner|thinking)|(^|[^a-z])think([^a-z]|$)", self.id.lower())
        priced = self.genai is not None and any("output_reasoning_mtok" in held for held in self._held())
        return self.generates and (named is not None or priced)

    @property
    def writes_code(self) -> bool:
        """Whether it is called after code, or gives it."""
        named = re.search(r"(?<!de)(?<!en)(?<!uni)(code(?!c)|coding)|devstral|(^|[^a-z])swe([^a-z]|$)", self.id.lower())
        return self.generates and (named is not None or "code" in (self.said("supported_output_modalities") or ()))

    @property
    def sees(self) -> bool:
        """Whether it takes images; where nothing is said of what it takes, whether its name or a price says so."""
        listed = self.everywhere.get("supported_modalities") or ()
        if "image" in listed or any(self.everywhere.get(f"supports_{flag}") is True for flag in _INPUTS[:3]):
            return True
        if self._inputs_are_said:
            return False
        named = self.generates and re.search(r"vision|(^|[^a-z])vl([^a-z]|$)", self.id.lower()) is not None
        priced = self.genai is not None and any("input_image_mtok" in held for held in self._held())
        edits = "/v1/images/edits" in self.everywhere.get("supported_endpoints", ()) and self.mode == "image_generation"
        return named or edits or (priced and not self.litellm) or self.mode in {"ocr", "image_edit"}

    def takes(self, modality: str, *flags: str) -> bool:
        """Whether LiteLLM says that it takes something; where nothing is said of what it takes, whether that has a price."""
        if modality in (self.everywhere.get("supported_modalities") or ()):
            return True
        if any(self.everywhere.get(f"supports_{flag}") is True for flag in flags):
            return True
        priced = self.genai is not None and any(f"input_{modality}_" in " ".join(held) for held in self._held())
        return priced and not self._inputs_are_said

    @property
    def _inputs_are_said(self) -> bool:
        said = [self.everywhere.get(f"supports_{flag}") for flag in _INPUTS]
        return bool(self.everywhere.get("supported_modalities")) or any(isinstance(each, bool) for each in said)

    @property
    def context(self) -> int:
        """The tokens that it holds at least; 0 when nobody says."""
        own, general = self.litellm.get("max_input_tokens"), self.everywhere.get("max_input_tokens")
        # A region that differs says so itself.
        return (own if own != general and own else (self.known and self.known.context_window) or own or general) or 0

    @property
    def max_output(self) -> int:
        """The tokens that it writes at most; 0 when nobody says."""
        return int(self.said("max_output_tokens") or 0)

    def deprecated(self, at: datetime) -> bool:
        """Whether it is deprecated by then."""
        told = self.everywhere.get("deprecation_date")
        return bool(self.known and self.known.deprecated) or (told is not None and told <= f"{at:%Y-%m-%d}")

    def prices(self, at: datetime, tokens: int) -> dict[str, Decimal]:
        """What a million tokens cost in dollars, for calls with so much input: `input`, `output`, `cache_read`.

        genai-prices was imported first: where it has prices, they are its.
        """
        if self.genai is not None and any(self._held()):
            return self._genai_prices(at, tokens)
        return self._litellm_prices(tokens)

    def _genai_prices(self, at: datetime, tokens: int) -> dict[str, Decimal]:
        found = {}
        for name, value in vars(self.genai.get_prices(at)).items():
            kind = name.removesuffix("_mtok")
            if value is not None and kind in {"input", "output", "cache_read"}:
                found[kind] = at_size(value, tokens)
        if self._guessed() in _NO_OUTPUT and "input" in found:
            found.setdefault("output", Decimal(0))
        return found

    def _litellm_prices(self, tokens: int) -> dict[str, Decimal]:
        fields = {"input": "input_cost_per_token", "output": "output_cost_per_token"}
        fields["cache_read"] = "cache_read_input_token_cost"
        found = {}
        for kind, name in fields.items():
            told = self._at_size(name, tokens)
            if told:
                found[kind] = Decimal(told) * MILLION
            elif told == 0 and (self.is_free or (kind == "output" and self.mode in _NO_OUTPUT and "input" in found)):
                found[kind] = Decimal(0)
        return found

    def _at_size(self, name: str, tokens: int) -> Any:
        told = self.litellm.get(name)
        for tier in self.litellm.get("tiered_pricing", ()):
            if "range" in tier and tokens > tier["range"][0]:
                told = tier.get(name, told)
        inclusive = self.provider == "x-ai"
        sizes = [int(size[1]) for key in self.litellm if (size := re.fullmatch(rf"{name}_above_(\d+)k_tokens", key))]
        for thousands in sorted(sizes):
            above = self.litellm[f"{name}_above_{thousands}k_tokens"]
            if above and tokens > thousands * 1000 - inclusive:
                told = above
        return told

    @property
    def is_free(self) -> bool:
        """Whether a price of 0 is believed."""
        own = self.provider in {"ollama", "lemonade", "publicai"} and not self.id.endswith("-cloud")
        return own or self.id.endswith((":free", "-free"))

    def figures(self, at: datetime, tokens: int) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
        """What each source says that a million tokens cost: genai-prices, and LiteLLM."""
        priced = self.genai is not None and any(self._held())
        return (self._genai_prices(at, tokens) if priced else {}), self._litellm_prices(tokens)

    def cost(self, at: datetime, *, fresh: int, output: int, cached: int = 0) -> Decimal | None:
        """What a call costs in dollars; None when a price that it needs is not known."""
        prices = self.prices(at, fresh + cached)
        needed = {"input": fresh, "output": output, "cache_read": cached}
        if "input" in prices:
            prices.setdefault("cache_read", prices["input"])
        if any(count and kind not in prices for kind, count in needed.items()):
            return None
        return sum((prices[kind] * count for kind, count in needed.items() if count), Decimal(0)) / MILLION


def at_size(value: Any, tokens: int) -> Decimal:
    """Return the price of genai-prices for calls with so much input."""
    if isinstance(value, TieredPrices):
        return next((tier.price for tier in reversed(value.tiers) if tokens > tier.start), value.base)
    return Decimal(value)


@cache
def rows() -> tuple[Row, ...]:
    """Return every model of every provider of both catalogs, once."""
    found = {}
    for provider in providers:
        # Hugging Face's router is told by the id whom to ask.
        router, _, suffix = provider.id.partition("_")
        for model in provider.models:
            id_ = f"{model.id}:{suffix}" if router == "huggingface" else model.id
            found[provider.id, id_, ""] = Row(provider.id, id_, genai=model)
    told: dict[tuple[str, str, str], str] = {}
    for key, fields in litellm_map.entries().items():
        if not _lists_a_model(key, fields):
            continue
        place = _place(key, fields["litellm_provider"])
        # Of two entries for one model that with the longer key names the provider.
        if len(told.get(place, "")) < len(key):
            told[place] = key
    for place, key in told.items():
        row = found.setdefault(place, Row(*place))
        row.litellm, row.key = litellm_map.entries()[key], key
    general: dict[tuple[str, str], Row] = {}
    for row in sorted(found.values(), key=lambda row: row.region):
        first = general.setdefault((row.provider, row.id), row)
        row.everywhere, row.known = first.litellm, first.genai
    return tuple(found.values())


def _lists_a_model(key: str, fields: dict[str, Any]) -> bool:
    return bool(fields.get("litellm_provider")) and not _SIZED.search(key) and not _CLASS.match(key)


def _place(key: str, provider: str) -> tuple[str, str, str]:
    """Return the provider, the id there, and the region of an entry."""
    words = key.split("/")
    family = provider.split("-", maxsplit=1)[0]
    if (
        (len(words) > 1 and words[0] in {provider, family, "azure" if provider == "azure_text" else provider})
        or (len(words) > 1 and words[0] == provider.replace("_", "-"))
        or (len(words) > 1 and words[0] == provider.removeprefix("text-completion-"))
    ):
        words = words[1:]
    region = ""
    while len(words) > 1:
        if provider.startswith("bedrock") and (_REGION.fullmatch(words[0]) or words[0] in {"*", "bedrock", "invoke"}):
            region = words[0] if _REGION.fullmatch(words[0]) else region
        elif provider in {"azure", "azure_ai"} and words[0] in _ZONES:
            region = _ZONES[words[0]]
        else:
            break
        words = words[1:]
    regions = litellm_map.entries()[key].get("supported_regions", ())
    if not region and len(regions) == 1:
        (region,) = regions
    ours = "vertex-ai" if provider.startswith("vertex_ai") else _PROVIDERS.get(provider, provider.replace("_", "-"))
    return ours, "/".join(words), region


AT = datetime(2026, 11, 29, tzinfo=UTC)
"""The day that the answers on the page are of."""
