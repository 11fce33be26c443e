"""The price fields of LiteLLM's map: which bucket each is of, for which calls, and from which size of input on.

`cache_read_input_token_cost_above_200k_tokens_priority` is the price of a token read from the cache, in calls of more than
200,000 input tokens, of service tier `priority`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from airegistry.resources.prices import PriceBucket

_HOUR = 3_600

# How many of what a field counts make one of what the bucket counts; the bucket's own unit comes on top.
_BUCKETS: Mapping[str, tuple[PriceBucket, int]] = {
    "input_cost_per_token": (PriceBucket.INPUT_TOKENS, 1),
    "output_cost_per_token": (PriceBucket.OUTPUT_TOKENS, 1),
    "output_cost_per_reasoning_token": (PriceBucket.REASONING_TOKENS, 1),
    "cache_read_input_token_cost": (PriceBucket.CACHE_READ_TOKENS, 1),
    "input_cost_per_token_cache_hit": (PriceBucket.CACHE_READ_TOKENS, 1),
    "cache_creation_input_token_cost": (PriceBucket.CACHE_WRITE_TOKENS, 1),
    "cache_creation_input_token_cost_above_1hr": (PriceBucket.CACHE_WRITE_1H_TOKENS, 1),
    "input_cost_per_audio_token": (PriceBucket.INPUT_AUDIO_TOKENS, 1),
    "output_cost_per_audio_token": (PriceBucket.OUTPUT_AUDIO_TOKENS, 1),
    "cache_read_input_audio_token_cost": (PriceBucket.CACHE_READ_AUDIO_TOKENS, 1),
    "input_cost_per_image_token": (PriceBucket.INPUT_IMAGE_TOKENS, 1),
    "output_cost_per_image_token": (PriceBucket.OUTPUT_IMAGE_TOKENS, 1),
    "cache_read_input_image_token_cost": (PriceBucket.CACHE_READ_IMAGE_TOKENS, 1),
    "input_cost_per_video_token": (PriceBucket.INPUT_VIDEO_TOKENS, 1),
    "output_cost_per_video_token": (PriceBucket.OUTPUT_VIDEO_TOKENS, 1),
    "citation_cost_per_token": (PriceBucket.CITATION_TOKENS, 1),
    "input_cost_per_character": (PriceBucket.INPUT_CHARACTERS, 1),
    "input_cost_per_request": (PriceBucket.REQUESTS, 1),
    "input_cost_per_text_message": (PriceBucket.INPUT_TEXT_MESSAGES, 1),
    "input_cost_per_audio_per_second": (PriceBucket.INPUT_AUDIO_HOURS, _HOUR),
    "output_cost_per_image": (PriceBucket.OUTPUT_IMAGES, 1),
    "ocr_cost_per_page": (PriceBucket.INPUT_DOCUMENT_PAGES, 1),
    "annotation_cost_per_page": (PriceBucket.INPUT_ANNOTATED_DOCUMENT_PAGES, 1),
    "cost_per_second": (PriceBucket.COMPUTE_SECONDS, 1),
    "search_context_cost_per_query": (PriceBucket.WEB_SEARCHES, 1),
}
# The same word means another thing in another mode.
_BUCKETS_BY_MODE: Mapping[tuple[str, str], tuple[PriceBucket, int]] = {
    ("audio_speech", "output_cost_per_second"): (PriceBucket.AUDIO_HOURS, _HOUR),
    ("audio_transcription", "input_cost_per_second"): (PriceBucket.INPUT_AUDIO_HOURS, _HOUR),
    ("audio_transcription", "output_cost_per_second"): (PriceBucket.AUDIO_HOURS, _HOUR),
    ("chat", "input_cost_per_second"): (PriceBucket.COMPUTE_SECONDS, 1),
    ("embedding", "input_cost_per_query"): (PriceBucket.INPUT_TEXT_MESSAGES, 1),
    ("image_edit", "input_cost_per_image"): (PriceBucket.OUTPUT_IMAGES, 1),
    ("image_generation", "input_cost_per_image"): (PriceBucket.OUTPUT_IMAGES, 1),
    ("realtime", "input_cost_per_second"): (PriceBucket.INPUT_AUDIO_HOURS, _HOUR),
    ("rerank", "input_cost_per_query"): (PriceBucket.REQUESTS, 1),
    ("search", "input_cost_per_query"): (PriceBucket.REQUESTS, 1),
    ("vector_store", "input_cost_per_query"): (PriceBucket.STORAGE_SEARCHES, 1),
}
# What a price is for besides tokens that are priced, too: the same again in another unit, not an extra.
BESIDE_TOKENS = frozenset({"input_cost_per_second", "output_cost_per_second", "input_cost_per_image"})

_SERVICES: Mapping[str, tuple[str, str]] = {
    "batches": ("processing", "batch"),
    "balanced": ("service_tier", "balanced"),
    "fast": ("service_tier", "fast"),
    "flex": ("service_tier", "flex"),
    "priority": ("service_tier", "priority"),
    "ultrafast": ("service_tier", "ultrafast"),
}
_FIELD = re.compile(rf"(?P<base>.+?)(?:_above_(?P<above>\d{{1,6}})k_tokens)?(?:_(?P<service>{'|'.join(_SERVICES)}))?")
_MONEY = re.compile(r"cost|pric|multiplier|uplift")


@dataclass(frozen=True, slots=True)
class PriceField:
    """What a field prices. `factor` times the bucket's unit makes the field's amount the bucket's."""

    base: str
    bucket: PriceBucket
    factor: int
    above: int = 0
    variant: Mapping[str, str] = field(default_factory=dict)


def price_field(name: str, mode: str) -> PriceField | None:
    """Return what a field prices in a mode; None when our price lists cannot say it."""
    match = _FIELD.fullmatch(name)
    if match is None:
        return None
    base = match["base"]
    found = _BUCKETS_BY_MODE.get((mode, base)) or _BUCKETS.get(base)
    if found is None:
        return None
    variant = dict([_SERVICES[match["service"]]]) if match["service"] else {}
    return PriceField(base, *found, above=int(match["above"] or 0) * 1000, variant=variant)


def about_money(name: str) -> bool:
    """Say whether a field is about what something costs."""
    return _MONEY.search(name) is not None
