"""Gemini's token counts as canonical ones, which are disjoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.invocations.usage import Usage

_PATH: Final = "usageMetadata"


def usage_of(answer: Mapping[str, Any]) -> Usage | None:
    """Return the usage that an answer, or a part of one, tells; None when it does not.

    The prompt's count has the cached tokens in it, that of the candidates has no thoughts. A count of 0 is left out on the
    wire: the total tells it.
    """
    said = answer.get(_PATH)
    if said is None:
        return None
    counts = reading.mapping(said, _PATH)
    prompt = reading.count(counts, "promptTokenCount", _PATH)
    if prompt is None:
        return None
    cached = reading.count(counts, "cachedContentTokenCount", _PATH)
    tools = reading.count(counts, "toolUsePromptTokenCount", _PATH) or 0
    thoughts = reading.count(counts, "thoughtsTokenCount", _PATH)
    output = reading.count(counts, "candidatesTokenCount", _PATH)
    total = reading.count(counts, "totalTokenCount", _PATH)
    if output is None and total is not None:
        output = max(0, total - prompt - tools - (thoughts or 0))
    heard = _of_modality(counts, "promptTokensDetails", "AUDIO")
    spoken = _of_modality(counts, "candidatesTokensDetails", "AUDIO")
    drawn = _of_modality(counts, "candidatesTokensDetails", "IMAGE")
    heard_fresh = None if heard is None else max(0, heard - (_of_modality(counts, "cacheTokensDetails", "AUDIO") or 0))
    return Usage(
        input_tokens=_less(prompt, cached, heard_fresh) + tools,
        cache_read_tokens=cached,
        output_tokens=None if output is None else _less(output, spoken, drawn),
        reasoning_tokens=thoughts,
        input_audio_tokens=heard_fresh,
        output_audio_tokens=spoken,
        output_image_tokens=drawn,
    )


def _of_modality(counts: Mapping[str, Any], name: str, modality: str) -> int | None:
    path = f"{_PATH}.{name}"
    for detail in reading.objects(counts, name, path):
        if detail.get("modality") == modality:
            return reading.count(detail, "tokenCount", path)
    return None


def _less(total: int, *parts: int | None) -> int:
    return max(0, total - sum(part or 0 for part in parts))
