"""What an id and its prices give away about a model whose source says nothing of it. Everything here is a conclusion."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from airegistry.resources.model import Modality
from airegistry.resources.prices import PriceBucket, PriceList

# A word of the id, and the task that it gives away. The first that fits wins.
_TASK_WORDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("rerank",), "text-ranking"),
    (("embed", "bge-", "gte-", "e5-", "voyage-"), "feature-extraction"),
    (("whisper", "transcribe", "transcription"), "automatic-speech-recognition"),
    (("-tts", "tts-", "text-to-speech", "speech-"), "text-to-speech"),
    (("gpt-image", "dall-e", "imagen", "flux", "stable-diffusion"), "text-to-image"),
    (("sora", "veo-"), "text-to-video"),
    (("ocr",), "image-to-text"),
    (("moderation",), "text-classification"),
)
# Made for code: `codestral`, `qwen3-coder`, `kimi-k2.7-code`, `gpt-5-codex`, `devstral`; not a decoder, not a codec.
_CODE = re.compile(r"(?<!de)(?<!en)(?<!uni)(?:code(?!c)|coding)|devstral|(?:^|[^a-z])swe(?:[^a-z]|$)")
_REASONING = re.compile(r"(?<!non-)(?:reasoning|reasoner|thinking)|(?:^|[^a-z])think(?:[^a-z]|$)")
_MODERATION = re.compile(r"moderation|(?:^|[^a-z])(?:safe)?guard(?:[^a-z]|$)")
_IMAGES = re.compile(r"vision|(?:^|[^a-z])vl(?:[^a-z]|$)")

_INPUTS: Mapping[PriceBucket, Modality] = {
    PriceBucket.INPUT_AUDIO_TOKENS: Modality.AUDIO,
    PriceBucket.INPUT_AUDIO_HOURS: Modality.AUDIO,
    PriceBucket.INPUT_IMAGE_TOKENS: Modality.IMAGE,
    PriceBucket.INPUT_VIDEO_TOKENS: Modality.VIDEO,
    PriceBucket.INPUT_DOCUMENT_PAGES: Modality.FILE,
}
_OUTPUTS: Mapping[PriceBucket, Modality] = {
    PriceBucket.OUTPUT_AUDIO_TOKENS: Modality.AUDIO,
    PriceBucket.OUTPUT_IMAGE_TOKENS: Modality.IMAGE,
    PriceBucket.OUTPUT_VIDEO_TOKENS: Modality.VIDEO,
}
_TASK_OUTPUT: Mapping[str, Modality] = {
    "text-generation": Modality.TEXT,
    "feature-extraction": Modality.EMBEDDING,
    "automatic-speech-recognition": Modality.TEXT,
    "text-to-speech": Modality.AUDIO,
    "text-to-image": Modality.IMAGE,
    "image-to-image": Modality.IMAGE,
    "text-to-video": Modality.VIDEO,
    "image-to-text": Modality.TEXT,
}
_TASK_INPUT: Mapping[str, Modality] = {
    "automatic-speech-recognition": Modality.AUDIO,
    "image-to-image": Modality.IMAGE,
    "image-to-text": Modality.IMAGE,
}


def buckets_of(prices: PriceList | None) -> set[PriceBucket]:
    """Return what has a price, at any time."""
    schedules = prices.schedules if prices is not None else ()
    return {price.bucket for schedule in schedules for price in schedule.prices if price.bucket is not None}


def tasks_of(model_id: str, buckets: Iterable[PriceBucket]) -> tuple[str, ...]:
    """Infer the task from the words of an id, else from whether output tokens are priced; empty when neither tells."""
    lowered = model_id.lower()
    for words, task in _TASK_WORDS:
        if any(word in lowered for word in words):
            return (task,)
    return ("text-generation",) if PriceBucket.OUTPUT_TOKENS in set(buckets) else ()


def inputs_of(model_id: str, tasks: Iterable[str], buckets: Iterable[PriceBucket]) -> tuple[Modality, ...]:
    """Infer what a model takes from its tasks, from what is priced, and from what it is called."""
    inputs = {_TASK_INPUT.get(task, Modality.TEXT) for task in tasks}
    if "text-generation" in tasks and _IMAGES.search(model_id.lower()):
        inputs.add(Modality.IMAGE)
    return tuple(sorted(inputs | {_INPUTS[bucket] for bucket in buckets if bucket in _INPUTS}))


def outputs_of(tasks: Iterable[str], buckets: Iterable[PriceBucket]) -> tuple[Modality, ...]:
    """Infer what a model gives from its tasks and from what is priced."""
    outputs = {_TASK_OUTPUT[task] for task in tasks if task in _TASK_OUTPUT}
    return tuple(sorted(outputs | {_OUTPUTS[bucket] for bucket in buckets if bucket in _OUTPUTS}))


def capabilities_of(model_id: str, tasks: Iterable[str], buckets: Iterable[PriceBucket]) -> tuple[str, ...]:
    """Infer what a model is made to do from what it is called: `code`, `moderation`, and `reasoning`, which a price tells, too."""
    lowered = model_id.lower()
    generates = "text-generation" in tasks
    found = {
        "code": generates and _CODE.search(lowered) is not None,
        "moderation": _MODERATION.search(lowered) is not None,
        "reasoning": generates
        and (PriceBucket.REASONING_TOKENS in set(buckets) or _REASONING.search(lowered) is not None),
    }
    return tuple(name for name, can in found.items() if can)
