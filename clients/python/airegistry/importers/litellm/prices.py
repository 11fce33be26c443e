"""LiteLLM's prices as price lists, exactly; what they cannot say is noted.

A price of 0 is rarely a price there: it stands for "not known" and for "billed in another unit" as well. It is kept where it can
be nothing else (`_is_price`, `free`), and unknown everywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from airegistry.importers.amounts import amount_of
from airegistry.importers.free import is_free
from airegistry.importers.litellm.entries import Entry
from airegistry.importers.litellm.fields import BESIDE_TOKENS, PriceField, about_money, price_field
from airegistry.importers.report import Note
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule, PriceTier
from airegistry.resources.pricing import UNITS
from airegistry.resources.provenance import Provenance

_MAX_TOKENS = 2**31
# What these give is no text, so output tokens cost nothing where the input has a price.
_NO_OUTPUT = frozenset({"decisions", "embedding", "evaluation", "moderation", "rerank"})

# Of these "above" is meant to include the threshold itself, and LiteLLM bills them so.
_INCLUSIVE = frozenset({"x-ai"})

_Variant = tuple[tuple[str, str], ...]
# By what is counted: the amount in nano-USD from each size of input on, 0 for all.
_Rates = dict[PriceBucket, dict[int, int]]


def price_list(entries: Sequence[Entry], provenance: Provenance, notes: list[Note]) -> PriceList | None:
    """Return what the entries of one endpoint say of its prices; None when that is nothing."""
    found: dict[_Variant, _Rates] = {}
    for entry in entries:
        for variant, rates in _by_variant(entry, notes).items():
            found.setdefault(tuple(sorted({**entry.variant, **dict(variant)}.items())), rates)
    schedules = tuple(_schedule(variant, rates) for variant, rates in sorted(found.items()) if rates)
    if schedules:
        return PriceList(schedules, provenance)
    notes.append(Note(entries[0].key, "no prices that hold: unknown, not free"))
    return None


def _by_variant(entry: Entry, notes: list[Note]) -> dict[_Variant, _Rates]:
    """Return the standard rates of an entry, and those of each service, which are the standard ones where it has no own."""
    found: dict[_Variant, _Rates] = {(): {}}
    for field, nanos in _amounts(entry, notes):
        rates = found.setdefault(tuple(field.variant.items()), {})
        above = field.above - (field.above > 0 and entry.original.provider in _INCLUSIVE)
        if rates.setdefault(field.bucket, {}).setdefault(above, nanos) != nanos:
            notes.append(Note(entry.key, f"two prices for {field.bucket.name}: the first taken", field.base))
    standard = found[()]
    return {
        variant: {
            bucket: {**standard.get(bucket, {}), **rates.get(bucket, {})} for bucket in standard.keys() | rates.keys()
        }
        for variant, rates in found.items()
    }


def _amounts(entry: Entry, notes: list[Note]) -> Iterator[tuple[PriceField, int]]:
    for name, above, value in _named(entry, notes):
        field = price_field(name, entry.mode)
        if field is None:
            notes.append(Note(entry.key, f"price cannot be expressed: {name}"))
        elif (amount := amount_of(value, field.factor * UNITS[field.bucket])) is None:
            notes.append(Note(entry.key, f"price is no amount: {name}", str(value)[:64]))
        elif not value and not _is_price(entry, field):
            notes.append(Note(entry.key, f"0 taken as unknown: {name}"))
        elif field.base in BESIDE_TOKENS and _prices_tokens(entry):
            notes.append(Note(entry.key, f"tokens are priced, too: {name} left out"))
        else:
            notes += [] if amount.exact else [Note(entry.key, f"price rounded to a nano-USD: {name}")]
            yield _from(field, above), amount.nanos


def _named(entry: Entry, notes: list[Note]) -> Iterator[tuple[str, int, Any]]:
    """Yield every field about money: its name, from which size of input on it holds, and its value."""
    for name, value in entry.fields.items():
        if name == "tiered_pricing" and isinstance(value, list):
            yield from _tiers(entry, value, notes)
        elif name == "search_context_cost_per_query" and isinstance(value, Mapping):
            yield from _searches(entry, value, notes)
        elif about_money(name):
            yield name, 0, value


def _tiers(entry: Entry, tiers: list[Any], notes: list[Note]) -> Iterator[tuple[str, int, Any]]:
    """Yield what each tier says; one that begins at 0 is the base, and each holds for the whole call."""
    for tier in tiers:
        match tier:
            case {"range": [int() | Decimal() as start, _], **prices} if 0 <= start < _MAX_TOKENS:
                yield from ((str(name), int(start), value) for name, value in prices.items())
            case _:
                notes.append(Note(entry.key, "price cannot be expressed: tiered_pricing by something else than tokens"))
                return


def _searches(entry: Entry, by_size: Mapping[str, Any], notes: list[Note]) -> Iterator[tuple[str, int, Any]]:
    """Yield the price of a web search; of several the one that holds unless a call asks for another context."""
    usual = by_size.get("search_context_size_medium", next(iter(by_size.values()), None))
    if any(other != usual for other in by_size.values()):
        notes.append(Note(entry.key, "web searches cost more with more context: the medium one taken"))
    if usual is not None:
        yield "search_context_cost_per_query", 0, usual


def _is_price(entry: Entry, field: PriceField) -> bool:
    paid = bool(entry.fields.get("input_cost_per_token"))
    return is_free(entry.original) or (field.bucket is PriceBucket.OUTPUT_TOKENS and entry.mode in _NO_OUTPUT and paid)


def _prices_tokens(entry: Entry) -> bool:
    return any(entry.fields.get(f"{side}_cost_per_token") for side in ("input", "output"))


def _from(field: PriceField, above: int) -> PriceField:
    if not above:
        return field
    return PriceField(field.base, field.bucket, field.factor, above, field.variant)


def _schedule(variant: _Variant, rates: _Rates) -> PriceSchedule:
    prices = tuple(_price(bucket, amounts) for bucket, amounts in sorted(rates.items()))
    return PriceSchedule(prices, variant=dict(variant))


def _price(bucket: PriceBucket, amounts: Mapping[int, int]) -> Price:
    tiers: Iterable[tuple[int, int]] = sorted((above, nanos) for above, nanos in amounts.items() if above)
    return Price(bucket, amounts.get(0), tuple(PriceTier(above, nanos) for above, nanos in tiers))
