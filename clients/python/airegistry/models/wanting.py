"""What a caller wants of a model, as keyword arguments, and the query that they make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from difflib import get_close_matches
from enum import IntEnum
from functools import partial
from typing import Any, TypedDict, TypeVar

from airegistry.errors import FieldViolation, InvalidArgumentError
from airegistry.models.amounts import Money, nanos, seconds, share, speed, whole
from airegistry.resources.model import LifecycleStage, Modality
from airegistry.resources.requirements import (
    CredentialRequirement,
    DiscoverQuery,
    HealthRequirement,
    Preference,
    Requirements,
    ScoreWeights,
    TokenMix,
)

E = TypeVar("E", bound=IntEnum)
Words = str | Iterable[str]
_PATH = "query."
_MILLION = 1_000_000


class Wanted(TypedDict, total=False):
    """What a model must be like. All of it must hold, and what is not known is no pass unless `allow_unknown` names it.

    Times are seconds, amounts US dollars (`amounts.Money`). `max_latency` is the median time to the first token; prices are
    averages over the tokens of `usage`, 3 of input to 1 of output unless it says more. Where several words may be given, one
    may stand alone. `prefer` says what best means, `weights` says it exactly.
    """

    max_latency: float
    max_duration: float
    min_tokens_per_second: float
    min_reliability: float
    max_cost_per_token: Money
    max_price_per_million: Money
    max_cost: Money
    usage: TokenMix
    min_context: int
    min_input: int
    min_output: int
    capabilities: Words
    any_capabilities: Words
    takes: Words | Modality | Iterable[Modality]
    gives: Words | Modality | Iterable[Modality]
    providers: Words
    excluded_providers: Words
    regions: Words
    models: Words
    families: Words
    version: str
    quantizations: Words
    dialects: Words
    labels: Mapping[str, str]
    no_training: bool
    max_retention: float
    lifecycle_stages: Words | LifecycleStage | Iterable[LifecycleStage]
    health: str | HealthRequirement
    any_credential: bool
    filter: str
    allow_unknown: Words
    prefer: str | Preference
    weights: ScoreWeights


def query_of(task: str, wanted: Mapping[str, Any]) -> DiscoverQuery:
    """Return the query for what is wanted. Raises TypeError for an unknown argument, InvalidArgumentError for a wrong value."""
    given = {argument: value for argument, value in wanted.items() if value is not None}
    for argument in given.keys() - Wanted.__annotations__.keys():
        raise TypeError(f"nothing is called {argument!r} here{_hint(argument, Wanted.__annotations__)}")
    if {"max_cost_per_token", "max_price_per_million"} <= given.keys():
        raise InvalidArgumentError.of("max_cost_per_token", "says the same as max_price_per_million; give one of them")
    read = {
        field: reader(given[argument], argument) for argument, (field, reader) in _READERS.items() if argument in given
    }
    return DiscoverQuery(
        requirements=Requirements(task=_text(task, "task"), **read),
        preference=_member(Preference, given["prefer"], "prefer") if "prefer" in given else None,
        weights=_instance(ScoreWeights, given["weights"], "weights") if "weights" in given else None,
    )


def field_of(argument: str) -> str:
    """Return the name of the requirement that an argument sets; other names as they are."""
    known = _READERS.get(argument)
    return known[0] if known is not None else argument


@contextmanager
def arguments_named(wanted: Mapping[str, Any]) -> Iterator[None]:
    """Let an error that names fields of the query name the arguments that made them."""
    try:
        yield
    except InvalidArgumentError as error:
        arguments = {_READERS[argument][0]: argument for argument in wanted if argument in _READERS}
        violations = [replace(each, field=_renamed(each, arguments)) for each in error.violations]
        if violations == list(error.violations):
            raise
        raise type(error)(violations=violations, metadata=error.metadata, details=error.details) from error


def _renamed(violation: FieldViolation, arguments: Mapping[str, str]) -> str:
    if not violation.field.startswith(_PATH):
        return violation.field
    path = violation.field.removeprefix(_PATH).removeprefix("requirements.")
    field = next((field for field in arguments if path == field or path.startswith((f"{field}[", f"{field}."))), "")
    return arguments[field] + path.removeprefix(field) if field else path


def _text(value: Any, argument: str) -> str:
    text: str = _instance(str, value, argument)
    return text


def _texts(value: Any, argument: str) -> tuple[str, ...]:
    return tuple(_text(each, argument) for each in _several(value, argument))


def _several(value: Any, argument: str) -> tuple[Any, ...]:
    if isinstance(value, (str, IntEnum)):
        return (value,)
    if not isinstance(value, Iterable):
        raise InvalidArgumentError.of(argument, f"must be one or several words, is {value!r}")
    return tuple(value)


def _labels(value: Any, argument: str) -> Mapping[str, str]:
    labels: Mapping[Any, Any] = _instance(Mapping, value, argument)
    return {_text(key, argument): _text(label, argument) for key, label in labels.items()}


def _names(value: Any, argument: str) -> tuple[str, ...]:
    return tuple(field_of(name) for name in _texts(value, argument))


def _any_credential(value: Any, argument: str) -> CredentialRequirement | None:
    return CredentialRequirement.ANY if _instance(bool, value, argument) else None


def _no_training(value: Any, argument: str) -> bool | None:
    return _instance(bool, value, argument) or None


def _instance(kind: Any, value: Any, argument: str) -> Any:
    if not isinstance(value, kind):
        raise InvalidArgumentError.of(argument, f"must be of the type {kind.__name__}, is {value!r}")
    return value


def _member(members: type[E], value: Any, argument: str) -> E:
    by_word = {member.name.lower(): member for member in members}
    found = value if isinstance(value, members) else by_word.get(str(value).lower().replace("-", "_"))
    if found is None:
        raise InvalidArgumentError.of(argument, f"{value!r} is not one of {', '.join(by_word)}")
    return found


def _members(members: type[E]) -> Callable[[Any, str], tuple[E, ...]]:
    return lambda value, argument: tuple(_member(members, each, argument) for each in _several(value, argument))


def _hint(argument: str, known: Iterable[str]) -> str:
    near = get_close_matches(argument, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


_Reader = Callable[[Any, str], Any]
_RENAMED: Mapping[str, tuple[str, _Reader]] = {
    "max_latency": ("max_time_to_first_token", seconds),
    "max_cost_per_token": ("max_price_per_million_nanos", partial(nanos, per=_MILLION)),
    "max_price_per_million": ("max_price_per_million_nanos", nanos),
    "max_cost": ("max_cost_nanos", nanos),
    "min_context": ("min_context_tokens", whole),
    "min_input": ("min_input_tokens", whole),
    "min_output": ("min_output_tokens", whole),
    "capabilities": ("all_capabilities", _texts),
    "takes": ("input_modalities", _members(Modality)),
    "gives": ("output_modalities", _members(Modality)),
    "any_credential": ("credential", _any_credential),
}
_SAME: Mapping[str, _Reader] = {
    "max_duration": seconds,
    "min_tokens_per_second": speed,
    "min_reliability": share,
    "usage": partial(_instance, TokenMix),
    "version": _text,
    "labels": _labels,
    "no_training": _no_training,
    "max_retention": seconds,
    "lifecycle_stages": _members(LifecycleStage),
    "health": partial(_member, HealthRequirement),
    "filter": _text,
    "allow_unknown": _names,
}
_LISTS = {field.name: _texts for field in fields(Requirements) if field.type == "tuple[str, ...]"}
_READERS: Mapping[str, tuple[str, _Reader]] = {
    **{name: (name, reader) for name, reader in {**_LISTS, **_SAME}.items()},
    **_RENAMED,
}
"""What each argument sets, and how it is read."""
