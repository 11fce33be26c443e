"""What a provider asks for: buckets, tiers and schedules in nano-USD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from airegistry.resources.provenance import Provenance


class PriceBucket(IntEnum):
    """What is counted."""

    INPUT_TOKENS = 1
    OUTPUT_TOKENS = 2
    REASONING_TOKENS = 3
    CACHE_READ_TOKENS = 4
    CACHE_WRITE_TOKENS = 5
    CACHE_WRITE_1H_TOKENS = 6
    INPUT_AUDIO_TOKENS = 7
    OUTPUT_AUDIO_TOKENS = 8
    CACHE_READ_AUDIO_TOKENS = 9
    INPUT_IMAGE_TOKENS = 10
    OUTPUT_IMAGE_TOKENS = 11
    CACHE_READ_IMAGE_TOKENS = 12
    INPUT_VIDEO_TOKENS = 13
    OUTPUT_VIDEO_TOKENS = 14
    CITATION_TOKENS = 15
    INPUT_CHARACTERS = 16
    REQUESTS = 17
    WEB_SEARCHES = 18
    STORAGE_SEARCHES = 19
    INPUT_TEXT_MESSAGES = 20
    INPUT_DOCUMENT_PAGES = 21
    INPUT_ANNOTATED_DOCUMENT_PAGES = 22
    INPUT_AUDIO_HOURS = 23
    AUDIO_HOURS = 24
    OUTPUT_IMAGES = 25
    AGENT_TASKS = 26
    COMPUTE_SECONDS = 27


@dataclass(frozen=True, slots=True)
class PriceTier:
    """A price that replaces the base for the whole call once its input is large enough."""

    above: int = 0
    nanos: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one bucket of usage."""

    bucket: PriceBucket | None = None
    nanos: int | None = None
    tiers: tuple[PriceTier, ...] = ()


@dataclass(frozen=True, slots=True)
class DailyWindow:
    """A window of every day in UTC; it wraps over midnight when `end_second` is not after `start_second`."""

    start_second: int = 0
    end_second: int = 0


@dataclass(frozen=True, slots=True)
class PriceSchedule:
    """A set of prices in force under its conditions."""

    prices: tuple[Price, ...] = ()
    start_time: datetime | None = None
    end_time: datetime | None = None
    daily_window: DailyWindow | None = None
    variant: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PriceList:
    """What a provider asks for, as data."""

    schedules: tuple[PriceSchedule, ...] = ()
    provenance: Provenance | None = None
