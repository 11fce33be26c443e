"""What a call used, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from airegistry._making import quickly_made


class CostState(IntEnum):
    """Whether a cost can be trusted."""

    KNOWN = 1
    PARTIAL = 2
    UNKNOWN = 3


@quickly_made
@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used."""

    input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    input_image_tokens: int | None = None
    output_image_tokens: int | None = None
    output_images: int | None = None
    estimated: bool = False


@quickly_made
@dataclass(frozen=True, slots=True)
class Cost:
    """What a call cost."""

    state: CostState | None = None
    nanos: int | None = None
    unpriced: tuple[str, ...] = ()
