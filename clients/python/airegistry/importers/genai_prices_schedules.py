"""Prices in the form of `genai-prices` as price schedules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from airegistry.importers.report import Note
from airegistry.resources.prices import DailyWindow, Price, PriceBucket, PriceList, PriceSchedule, PriceTier
from airegistry.resources.provenance import Provenance

SOURCE = "genai-prices"

_NANOS = 1_000_000_000

# The units of the source are those of our buckets: per million (m), per thousand (k), or each hour.
BUCKETS: Mapping[str, PriceBucket] = {
    "input_mtok": PriceBucket.INPUT_TOKENS,
    "output_mtok": PriceBucket.OUTPUT_TOKENS,
    "output_reasoning_mtok": PriceBucket.REASONING_TOKENS,
    "cache_read_mtok": PriceBucket.CACHE_READ_TOKENS,
    "cache_write_mtok": PriceBucket.CACHE_WRITE_TOKENS,
    "cache_write_1h_mtok": PriceBucket.CACHE_WRITE_1H_TOKENS,
    "input_audio_mtok": PriceBucket.INPUT_AUDIO_TOKENS,
    "output_audio_mtok": PriceBucket.OUTPUT_AUDIO_TOKENS,
    "cache_audio_read_mtok": PriceBucket.CACHE_READ_AUDIO_TOKENS,
    "input_image_mtok": PriceBucket.INPUT_IMAGE_TOKENS,
    "output_image_mtok": PriceBucket.OUTPUT_IMAGE_TOKENS,
    "cache_image_read_mtok": PriceBucket.CACHE_READ_IMAGE_TOKENS,
    "input_video_mtok": PriceBucket.INPUT_VIDEO_TOKENS,
    "output_video_mtok": PriceBucket.OUTPUT_VIDEO_TOKENS,
    "output_citation_mtok": PriceBucket.CITATION_TOKENS,
    "input_mchars": PriceBucket.INPUT_CHARACTERS,
    "requests_kcount": PriceBucket.REQUESTS,
    "web_searches_kcount": PriceBucket.WEB_SEARCHES,
    "storage_searches_kcount": PriceBucket.STORAGE_SEARCHES,
    "input_text_messages_kcount": PriceBucket.INPUT_TEXT_MESSAGES,
    "input_document_kpages": PriceBucket.INPUT_DOCUMENT_PAGES,
    "input_annotated_document_kpages": PriceBucket.INPUT_ANNOTATED_DOCUMENT_PAGES,
    "input_audio_hours": PriceBucket.INPUT_AUDIO_HOURS,
    "audio_hours": PriceBucket.AUDIO_HOURS,
}


@dataclass(frozen=True, slots=True)
class _Part:
    """Prices of the source, by its own keys, and when they hold."""

    values: Mapping[str, Any]
    schedule: PriceSchedule


def price_list(subject: str, info: Any, provenance: Provenance) -> tuple[PriceList | None, list[Note]]:
    """Return the prices of one model of the source, None where it states none, and what could not be taken over."""
    notes: list[Note] = []
    standard = _standard(info.prices)
    parts = [*standard, *_variants(subject, standard, info.price_variants or (), notes)]
    schedules = [_schedule(subject, part, notes) for part in parts]
    known = tuple(schedule for schedule in schedules if schedule.prices)
    if not known:
        notes.append(Note(subject, "no prices in the source: unknown, not free"))
        return None, notes
    return PriceList(known, provenance), notes


def _standard(prices: Any) -> list[_Part]:
    """Return the standard prices; of several the last that holds wins, and the first when none does."""
    if not isinstance(prices, list):
        return [_Part(_values(prices), PriceSchedule())]
    parts = [_Part(_values(item.prices), _conditions(item.constraint)) for item in prices]
    if parts and parts[0].schedule != PriceSchedule():
        parts.insert(0, _Part(parts[0].values, PriceSchedule()))
    return parts


def _variants(subject: str, standard: list[_Part], variants: Iterable[Any], notes: list[Note]) -> list[_Part]:
    """Return each standard part overlaid with the variants, whose prices are partial in the source and whole here."""
    parts = []
    for when in _distinct(dict(variant.when) for variant in variants):
        same = [(variant, _conditions(variant.constraint)) for variant in variants if dict(variant.when) == when]
        for base in standard:
            for start in _starts(conditions for _, conditions in same):
                dated = replace(base.schedule, start_time=_latest(base.schedule.start_time, start))
                parts.append(_overlaid(base, same, when, dated))
                # Of two windows that overlap the first wins in the source, and the last here.
                for window in reversed(_windows(conditions for _, conditions in same)):
                    if dated.daily_window not in {None, window}:
                        notes.append(Note(subject, "price variant in two daily windows", str(when)))
                        continue
                    parts.append(_overlaid(base, same, when, replace(dated, daily_window=window)))
    return parts


def _overlaid(
    base: _Part, variants: Iterable[tuple[Any, PriceSchedule]], when: Mapping[str, str], schedule: PriceSchedule
) -> _Part:
    """Return *base* under the variants that hold whenever *schedule* does."""
    values = dict(base.values)
    # The first variant that prices a key wins, so it is laid on last.
    for variant, conditions in reversed(list(variants)):
        begun = (
            conditions.start_time is None or _latest(schedule.start_time, conditions.start_time) == schedule.start_time
        )
        if begun and conditions.daily_window in {None, schedule.daily_window}:
            values |= _values(variant.prices)
    return _Part(values, replace(schedule, variant=when))


def _starts(conditions: Iterable[PriceSchedule]) -> list[datetime | None]:
    """Return the times from which something changes, in order; None for since ever."""
    return [None, *sorted({item.start_time for item in conditions if item.start_time is not None})]


def _windows(conditions: Iterable[PriceSchedule]) -> list[DailyWindow]:
    return list(dict.fromkeys(item.daily_window for item in conditions if item.daily_window is not None))


def _latest(*times: datetime | None) -> datetime | None:
    return max((time for time in times if time is not None), default=None)


def _schedule(subject: str, part: _Part, notes: list[Note]) -> PriceSchedule:
    prices = []
    for key, value in part.values.items():
        bucket = BUCKETS.get(key)
        if bucket is None:
            notes.append(Note(subject, f"price unit {key} unknown"))
            continue
        price, exact = _price(bucket, value)
        if not exact:
            notes.append(Note(subject, f"price of {key} rounded to a nano-USD"))
        prices.append(price)
    return replace(part.schedule, prices=tuple(sorted(prices, key=lambda price: price.bucket or 0)))


def _price(bucket: PriceBucket, value: Any) -> tuple[Price, bool]:
    """Return the price, and whether it is exactly that of the source."""
    base, tiers = (value.base, value.tiers) if hasattr(value, "tiers") else (value, ())
    price = Price(bucket, _to_nanos(base), tuple(PriceTier(tier.start, _to_nanos(tier.price)) for tier in tiers))
    amounts = [base, *(tier.price for tier in tiers)]
    return price, all(amount * _NANOS == _to_nanos(amount) for amount in amounts)


def _to_nanos(dollars: Decimal) -> int:
    return int((dollars * _NANOS).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def _values(prices: Any) -> dict[str, Any]:
    return {key: value for key, value in vars(prices).items() if value is not None}


def _conditions(constraint: Any) -> PriceSchedule:
    if constraint is None:
        return PriceSchedule()
    if hasattr(constraint, "start_date"):
        return PriceSchedule(start_time=datetime.combine(constraint.start_date, time(), UTC))
    return PriceSchedule(daily_window=DailyWindow(_second(constraint.start_time), _second(constraint.end_time)))


def _second(at: time) -> int:
    if at.tzinfo is not None:
        at = datetime.combine(datetime(1970, 1, 2, tzinfo=UTC), at).astimezone(UTC).timetz()
    return at.hour * 3600 + at.minute * 60 + at.second


def _distinct(whens: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    distinct: list[dict[str, str]] = []
    for when in whens:
        if when not in distinct:
            distinct.append(when)
    return distinct
