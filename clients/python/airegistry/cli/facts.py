"""What is known of models and endpoints, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import partial
from typing import Any

from airegistry.cli.subjects import Subject, Subjects
from airegistry.cli.tables import credential, state
from airegistry.cli.values import figure, span
from airegistry.discovery.answers import ScoreFigure, ScoreFigureKind, ScorePartKind
from airegistry.discovery.rows.timing import stage_at
from airegistry.manifests import usd
from airegistry.resources.endpoint import DataPolicy, DeclaredPerformance, Endpoint
from airegistry.resources.model import Capability, Lifecycle, Model, ModelLimits
from airegistry.resources.prices import Price, PriceBucket
from airegistry.resources.pricing import UNITS, in_force

UNKNOWN = "?"
_MILLION = 1_000_000
_ALWAYS_PRICED = frozenset(
    {
        PriceBucket.INPUT_TOKENS,
        PriceBucket.OUTPUT_TOKENS,
        PriceBucket.CACHE_READ_TOKENS,
        PriceBucket.CACHE_WRITE_TOKENS,
    }
)
_ALWAYS_LIMITED = frozenset({"context_tokens", "max_output_tokens"})
_SELDOM = frozenset(
    {"family", "version", "jurisdiction", "quantization", "deprecated from", "retired from", "replacement", "state"}
)
"""What is worth a row only where somebody says it."""

_DECLARED = {
    ScoreFigureKind.TIME_TO_FIRST_TOKEN: ("first token, s", "time_to_first_token"),
    ScoreFigureKind.TOKENS_PER_SECOND: ("tokens/s", "tokens_per_second"),
    ScoreFigureKind.DURATION: ("whole answer, s", ""),
    ScoreFigureKind.SUCCESS_SHARE: ("reliability", "reliability"),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact about everybody; None is unknown."""

    group: str
    name: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool | None:
        """Whether two that are known differ; None where that cannot be told, because one is unknown."""
        known = [value for value in self.values if value is not None]
        if any(value != known[0] for value in known[1:]):
            return True
        return None if len(known) < len(self.values) else False

    @property
    def may_differ(self) -> bool:
        """Whether it differs, or may, as far as anything is known of it."""
        return self.differs is not False and any(value is not None for value in self.values)


def facts_of(subjects: Subjects, now: datetime) -> Iterator[Fact]:
    """Yield every fact that is known of one of them, and those that everybody asks for."""
    for group, read in _groups(subjects, now):
        yield from _group(group, [read(each) for each in subjects.each])


def shown(value: Any, now: datetime) -> str:
    """Return a value as people read it; unknown is not zero."""
    if isinstance(value, Capability):
        value = value.supported if value.level is None else f"level {value.level}"
    match value:
        case None:
            text = UNKNOWN
        case bool():
            text = "yes" if value else "no"
        case int():
            text = f"{value:,}"
        case float():
            text = f"{value:.4g}" if value < 1 else figure(value)
        case datetime():
            text = f"{value.astimezone(UTC):%Y-%m-%d}"
        case ScoreFigure():
            text = _measured(value, now)
        case tuple():
            text = ", ".join(value)
        case _:
            text = str(value)
    return text


def _group(group: str, columns: list[dict[str, Any]]) -> Iterator[Fact]:
    """Yield the facts of a group: a row for everything that one of them says something about."""
    for name in dict.fromkeys(name for column in columns for name in column):
        values = tuple(column.get(name) for column in columns)
        if name not in _SELDOM or any(value is not None for value in values):
            yield Fact(group, name, values)


def _identity(subject: Subject) -> dict[str, Any]:
    endpoint, model = _endpoint(subject), _model(subject)
    return {
        "provider": endpoint.provider or None,
        "publisher": model.publisher or None,
        "family": model.family or None,
        "version": model.version or None,
        "tasks": model.tasks or None,
    }


def _prices(subject: Subject, buckets: Iterable[PriceBucket], now: datetime) -> dict[str, Any]:
    prices = _endpoint(subject).prices
    held = in_force(prices, now) if prices is not None else {}
    return {_priced(bucket): _price(held.get(bucket)) for bucket in buckets}


def _buckets(subjects: Subjects, now: datetime) -> list[PriceBucket]:
    prices = [prices for each in subjects.each if (prices := _endpoint(each).prices) is not None]
    return sorted(_ALWAYS_PRICED.union(*(in_force(each, now).keys() for each in prices)))


def _priced(bucket: PriceBucket) -> str:
    unit = "M" if UNITS[bucket] == _MILLION else f"{UNITS[bucket]:,}"
    return f"{_words(bucket.name)}, $ / {unit}"


def _price(price: Price | None) -> str | None:
    if price is None or price.nanos is None:
        return None
    tiers = (f"{usd(tier.nanos)} above {tier.above:,}" for tier in price.tiers)
    return "; ".join((usd(price.nanos), *tiers))


def _cost(subject: Subject, subjects: Subjects) -> dict[str, Any]:
    mix = subjects.usage
    if mix is None:
        name = "a million tokens, 3 in to 1 out, $"
    else:
        cached = f", {mix.cache_read_tokens:,} from the cache" if mix.cache_read_tokens else ""
        name = f"{mix.input_tokens:,} in, {mix.output_tokens:,} out{cached}, $"
    return {name: None if subject.cost_nanos is None else usd(subject.cost_nanos)}


def _limits(subject: Subject) -> dict[str, Any]:
    own, model = _endpoint(subject).limits or ModelLimits(), _model(subject).limits or ModelLimits()
    held = {field.name: getattr(own, field.name) for field in fields(ModelLimits)}
    values = {name: getattr(model, name) if value is None else value for name, value in held.items()}
    return {_words(name): value for name, value in values.items() if value is not None or name in _ALWAYS_LIMITED}


def _modalities(subject: Subject) -> dict[str, Any]:
    model = _model(subject)
    taken, given = model.input_modalities, model.output_modalities
    return {
        "takes": tuple(_words(each.name) for each in taken) or None,
        "gives": tuple(_words(each.name) for each in given) or None,
    }


def _capabilities(subject: Subject) -> dict[str, Any]:
    said = {**_model(subject).capabilities, **_endpoint(subject).capabilities}
    return {name: said[name] for name in sorted(said)}


def _performance(subject: Subject) -> dict[str, Any]:
    parts = subject.score.parts if subject.score is not None else ()
    figures = {each.kind: each for part in parts for each in part.figures}
    declared = _endpoint(subject).declared or DeclaredPerformance()
    rows: dict[str, Any] = {}
    for kind, (name, field) in _DECLARED.items():
        if field:
            rows[f"{name}, declared"] = getattr(declared, field)
        found = figures.get(kind)
        rows[f"{name}, measured"] = None if found is None or found.measured is None else found
    return rows


def _data(subject: Subject) -> dict[str, Any]:
    endpoint = _endpoint(subject)
    policy = endpoint.data_policy or DataPolicy()
    return {
        "trains on data": policy.trains_on_data,
        "keeps data": None
        if policy.retention is None
        else span(policy.retention)
        if policy.retention
        else "not at all",
        "jurisdiction": policy.jurisdiction or None,
        "region": endpoint.region or None,
        "quantization": endpoint.quantization or None,
    }


def _lifecycle(subject: Subject, now: datetime) -> dict[str, Any]:
    said = _model(subject).lifecycle
    life = said or Lifecycle()
    return {
        "stage": None if said is None else _words(stage_at(said, now).name),
        "deprecated from": life.deprecate_time,
        "retired from": life.retire_time,
        "replacement": life.replacement or None,
        "state": state(subject.endpoint.status if subject.endpoint is not None else None) or None,
        "credential": credential(subject.endpoint.endpoint) if subject.endpoint and subject.endpoint.endpoint else None,
        "can be invoked": subject.invocable,
    }


def _score(subject: Subject) -> dict[str, Any]:
    score = subject.score
    parts = {part.kind: part for part in score.parts} if score is not None else {}
    rows: dict[str, Any] = {"total": None if score is None else score.total}
    for kind in ScorePartKind:
        part = parts.get(kind)
        rows[_words(kind.name)] = None if part is None else part.value
    return rows


def _measured(found: ScoreFigure, now: datetime) -> str:
    age = None if found.last_time is None else max(0.0, (now - found.last_time).total_seconds())
    return f"{shown(found.measured, now)} ({found.samples:,} in {span(found.window)}, the last {span(age)} ago)"


def _endpoint(subject: Subject) -> Endpoint:
    held = subject.endpoint.endpoint if subject.endpoint is not None else None
    return held or Endpoint()


def _model(subject: Subject) -> Model:
    return subject.model.model or Model()


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


def _groups(subjects: Subjects, now: datetime) -> Iterator[tuple[str, Callable[[Subject], dict[str, Any]]]]:
    yield "who", _identity
    yield "prices", partial(_prices, buckets=_buckets(subjects, now), now=now)
    yield "cost", partial(_cost, subjects=subjects)
    yield "limits", _limits
    yield "modalities", _modalities
    yield "capabilities", _capabilities
    yield "performance", _performance
    yield "data", _data
    yield "life", partial(_lifecycle, now=now)
    yield f"score, {_words(subjects.preference.name)}", _score
