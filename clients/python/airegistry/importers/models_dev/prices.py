"""Prices in the form of models.dev as price lists: US dollars per million tokens, tiers by context, modes of a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airegistry.importers.amounts import amount_of
from airegistry.importers.free import is_free
from airegistry.importers.identifiers import Original
from airegistry.importers.report import Note
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule, PriceTier
from airegistry.resources.provenance import Provenance

_MAX_TOKENS = 2**31
_MINUTES = 60
_OVER_200K = 200_000

_BUCKETS: Mapping[str, tuple[PriceBucket, int]] = {
    "cache_read": (PriceBucket.CACHE_READ_TOKENS, 1),
    "cache_write": (PriceBucket.CACHE_WRITE_TOKENS, 1),
    "input": (PriceBucket.INPUT_TOKENS, 1),
    "input_audio": (PriceBucket.INPUT_AUDIO_TOKENS, 1),
    "output": (PriceBucket.OUTPUT_TOKENS, 1),
    "output_audio": (PriceBucket.OUTPUT_AUDIO_TOKENS, 1),
    "per_minute": (PriceBucket.AUDIO_HOURS, _MINUTES),
    "reasoning": (PriceBucket.REASONING_TOKENS, 1),
}

# By what is counted: the amount in nano-USD from each size of input on, 0 for all.
_Rates = dict[PriceBucket, dict[int, int]]


def price_list(
    original: Original, fields: Mapping[str, Any], provenance: Provenance, notes: list[Note], *, output_billed: bool
) -> PriceList | None:
    """Return the prices of a model, and of each mode of it that has its own; None when there are none that hold."""
    reader = _Reader(original, notes, output_billed=output_billed)
    standard = reader.rates(fields.get("cost"))
    schedules = [_schedule(standard, {})] if standard else []
    for mode, cost, variant in _modes(fields):
        if not variant:
            notes.append(Note(str(original), f"price cannot be expressed: mode {mode}"))
        elif own := reader.rates(cost):
            schedules.append(_schedule({**standard, **own}, variant))
    if schedules:
        return PriceList(tuple(schedules), provenance)
    notes.append(Note(str(original), "no prices that hold: unknown, not free"))
    return None


class _Reader:
    """Reads the costs of one model, and notes what it cannot take."""

    def __init__(self, original: Original, notes: list[Note], *, output_billed: bool) -> None:
        self._original = original
        self._notes = notes
        self._output_billed = output_billed

    def rates(self, cost: Any) -> _Rates:
        """Return the rates of a cost: the base, and what holds above a size of context."""
        if not isinstance(cost, Mapping):
            return {}
        rates: _Rates = {}
        for above, part in self._parts(cost):
            paid = bool(part.get("input"))
            for name, value in part.items():
                for bucket, nanos in self._amount(name, value, paid=paid):
                    rates.setdefault(bucket, {})[above] = nanos
        return rates

    def _parts(self, cost: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
        nested = {"context_over_200k", "tiers"}
        yield 0, {name: value for name, value in cost.items() if name not in nested}
        tiers = cost.get("tiers")
        if not isinstance(tiers, list):
            over = cost.get("context_over_200k")
            yield from [(_OVER_200K, over)] if isinstance(over, Mapping) else ()
            return
        for tier in tiers:
            match tier:
                case {"tier": {"size": int(size), **rest}, **prices} if 0 < size < _MAX_TOKENS and rest.get("type") in {
                    None,
                    "context",
                }:
                    yield size, {str(name): value for name, value in prices.items()}
                case _:
                    self._note("price cannot be expressed: a tier by something else than context")

    def _amount(self, name: str, value: Any, *, paid: bool) -> Iterator[tuple[PriceBucket, int]]:
        if name not in _BUCKETS:
            self._note(f"price cannot be expressed: {name}")
            return
        bucket, factor = _BUCKETS[name]
        amount = amount_of(value, factor)
        if amount is None:
            self._note(f"price is no amount: {name}")
        elif not value and not self._is_price(bucket, paid=paid):
            self._note(f"0 taken as unknown: {name}")
        else:
            if not amount.exact:
                self._note(f"price rounded to a nano-USD: {name}")
            yield bucket, amount.nanos

    def _is_price(self, bucket: PriceBucket, *, paid: bool) -> bool:
        # A subscription is listed with 0, too: what a call costs there, nobody says.
        return is_free(self._original) or (bucket is PriceBucket.OUTPUT_TOKENS and paid and not self._output_billed)

    def _note(self, reason: str) -> None:
        self._notes.append(Note(str(self._original), reason))


def _modes(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any, dict[str, str]]]:
    """Yield each mode with a cost of its own, and what a call says in its body to be of that mode."""
    match fields.get("experimental"):
        case {"modes": {**modes}}:
            for name, mode in modes.items():
                match mode:
                    case {"cost": cost, "provider": {"body": {**body}}}:
                        yield str(name), cost, {str(key): word for key, word in body.items() if isinstance(word, str)}
                    case {"cost": cost}:
                        yield str(name), cost, {}


def _schedule(rates: _Rates, variant: Mapping[str, str]) -> PriceSchedule:
    prices = []
    for bucket, amounts in sorted(rates.items()):
        tiers = tuple(PriceTier(above, nanos) for above, nanos in sorted(amounts.items()) if above)
        prices.append(Price(bucket, amounts.get(0), tiers))
    return PriceSchedule(tuple(prices), variant=dict(variant))
