"""The hard filters, in the fixed order of their reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from airegistry.discovery.answers import ExclusionReason
from airegistry.discovery.asking import Asking, all_of
from airegistry.discovery.columns.masks import Mask
from airegistry.discovery.rows.row import UNKNOWN, Mark, Number, label_text
from airegistry.discovery.tasks import TaskMeaning, meanings
from airegistry.resources.requirements import CredentialRequirement, HealthRequirement

_Filter = Callable[[Asking], Mask | None]
_Named = tuple[ExclusionReason, _Filter]

Passed = tuple[ExclusionReason, Mask]
"""The rows that a filter passes, and the reason to exclude the others."""

# With one of these set, the last filters want something else than is usually wanted, or something between.
_TOKENS = (
    ("min_context_tokens", Number.CONTEXT_TOKENS),
    ("min_output_tokens", Number.OUTPUT_TOKENS),
    ("min_input_tokens", Number.INPUT_TOKENS),
)
_MEASURED = {ExclusionReason.LATENCY, ExclusionReason.RELIABILITY}
_UNUSUAL = {"lifecycle_stages", "health", "credential", "filter"}


class Filters(NamedTuple):
    """The filters that a query needs, in the order of their reasons.

    `first` are those without numbers: what they pass is the same until a mark changes. `last` are those for everybody and what
    comes between; `usual` says that they want nothing but what is usually wanted, `measured` that some look at what may be
    measured.
    """

    first: tuple[_Named, ...]
    numbers: tuple[_Named, ...]
    last: tuple[_Named, ...]
    usual: bool
    measured: bool


@lru_cache(maxsize=1024)
def filters_for(asked: tuple[str, ...], *, spoken: bool = False) -> Filters:
    """Return the filters for the requirements of these names, and whether a dialect has to be spoken."""
    needed = [(reason, passed) for reason, fields, passed in _FILTERS if not fields or fields.intersection(asked)]
    # Which models answer to a name is no mark of a row.
    end = ExclusionReason.MODEL if "models" in asked else ExclusionReason.CONTEXT
    return Filters(
        first=tuple(each for each in needed if each[0] < end),
        numbers=tuple(each for each in needed if end <= each[0] < ExclusionReason.LIFECYCLE),
        last=tuple(each for each in needed if each[0] >= ExclusionReason.LIFECYCLE),
        usual=not spoken and _UNUSUAL.isdisjoint(asked),
        measured=any(reason in _MEASURED for reason, _ in needed),
    )


def passed_by(asking: Asking, filters: tuple[_Named, ...]) -> Iterator[Passed]:
    """Yield which rows each filter passes.

    Each looks when its turn comes, so that an expression is evaluated for those only whom the cheap filters left.
    """
    for reason, passed in filters:
        rows = passed(asking)
        if rows is not None:
            yield reason, rows


def _model(asking: Asking) -> Mask | None:
    models = asking.requirements.models
    return asking.one_of("models", Mark.MODEL, asking.models_named(models)) if models else None


def _task(asking: Asking) -> Mask | None:
    task = asking.requirements.task
    return asking.any_of([_way(asking, way) for way in meanings(task)]) if task else None


def _way(asking: Asking, way: TaskMeaning) -> Mask:
    tagged = asking.one_of("task", Mark.TASK, (way.tag,))
    return tagged & asking.can("task", way.capability) if way.capability else tagged


def _capability(asking: Asking) -> Mask | None:
    every = asking.requirements.all_capabilities
    some = asking.requirements.any_capabilities
    return all_of(
        *(asking.can("all_capabilities", name) for name in every),
        asking.any_of(asking.can("any_capabilities", name) for name in some) if some else None,
    )


def _modality(asking: Asking) -> Mask | None:
    takes = asking.requirements.input_modalities
    gives = asking.requirements.output_modalities
    return all_of(
        *(asking.one_of("input_modalities", Mark.INPUT, (modality.name,)) for modality in takes),
        *(asking.one_of("output_modalities", Mark.OUTPUT, (modality.name,)) for modality in gives),
    )


def _skill(asking: Asking) -> Mask | None:
    return all_of(*(asking.marked(Mark.SKILL, skill) for skill in asking.requirements.skills))


def _context(asking: Asking) -> Mask | None:
    return all_of(*[asking.at_least(requirement, column) for requirement, column in _TOKENS])


def _price(asking: Asking) -> Mask | None:
    total, average = asking.requirements.max_cost_nanos, asking.requirements.max_price_per_million_nanos
    cheap = None if total is None else asking.costs.at_most(total)
    cheap_on_average = None if average is None else asking.costs.average_at_most(average)
    return all_of(
        None if cheap is None else asking.or_unknown_cost("max_cost_nanos", cheap),
        None if cheap_on_average is None else asking.or_unknown_cost("max_price_per_million_nanos", cheap_on_average),
    )


def _latency(asking: Asking) -> Mask | None:
    first = asking.numbers(Number.TIME_TO_FIRST_TOKEN)
    return all_of(
        asking.at_most("max_time_to_first_token", first),
        asking.at_least("min_tokens_per_second", Number.TOKENS_PER_SECOND),
        _duration(asking),
    )


def _duration(asking: Asking) -> Mask | None:
    if asking.requirements.max_duration is None:
        return None
    duration = asking.numbers(Number.TIME_TO_FIRST_TOKEN)
    if asking.mix.output_tokens:
        with np.errstate(divide="ignore"):
            duration = duration + asking.mix.output_tokens / asking.numbers(Number.TOKENS_PER_SECOND)
    duration = np.where(np.isnan(duration), asking.numbers(Number.DURATION), duration)
    return asking.at_most("max_duration", duration)


def _reliability(asking: Asking) -> Mask | None:
    return asking.at_least("min_reliability", Number.RELIABILITY)


def _region(asking: Asking) -> Mask | None:
    entries = asking.requirements.regions
    if not entries:
        return None
    exact = [entry for entry in entries if not entry.endswith("*")]
    prefixes = tuple(entry[:-1] for entry in entries if entry.endswith("*"))
    below = [region for region in asking.known(Mark.REGION) if region.startswith(prefixes)]
    return asking.one_of("regions", Mark.REGION, (*exact, *below))


def _provider(asking: Asking) -> Mask | None:
    wanted, refused = asking.requirements.providers, asking.requirements.excluded_providers
    unknown = () if asking.allows("excluded_providers") else (UNKNOWN,)
    return all_of(
        asking.one_of("providers", Mark.PROVIDER, wanted) if wanted else None,
        ~asking.any_of(asking.marked(Mark.PROVIDER, name) for name in (*refused, *unknown)) if refused else None,
    )


def _data_policy(asking: Asking) -> Mask | None:
    return all_of(
        _no_training(asking) if asking.requirements.no_training else None,
        asking.at_most("max_retention", asking.numbers(Number.RETENTION)),
    )


def _no_training(asking: Asking) -> Mask:
    return ~asking.flagged(Mark.TRAINS) if asking.allows("no_training") else asking.flagged(Mark.NEVER_TRAINS)


def _label(asking: Asking) -> Mask | None:
    labels = (label_text(key, value) for key, value in asking.requirements.labels.items())
    return all_of(*(asking.marked(Mark.LABEL, label) for label in labels))


def _variant(asking: Asking) -> Mask | None:
    asked = asking.requirements
    wanted = (
        ("dialects", Mark.DIALECT, asked.dialects),
        ("quantizations", Mark.QUANTIZATION, asked.quantizations),
        ("families", Mark.FAMILY, asked.families),
        ("version", Mark.VERSION, (asked.version,) if asked.version else ()),
    )
    return all_of(*(asking.one_of(name, column, values) for name, column, values in wanted if values))


def _lifecycle(asking: Asking) -> Mask | None:
    stages = asking.requirements.lifecycle_stages
    return (
        asking.any_of(asking.marked(Mark.STAGE, stage.name) for stage in stages)
        if stages
        else asking.flagged(Mark.IN_USE)
    )


def _health(asking: Asking) -> Mask | None:
    match asking.requirements.health:
        case HealthRequirement.ANY:
            return None
        case HealthRequirement.SERVING:
            serving = asking.flagged(Mark.SERVING)
            return serving | asking.flagged(Mark.HEALTH_UNKNOWN) if asking.allows("health") else serving
    return asking.flagged(Mark.USABLE)


def _credential(asking: Asking) -> Mask | None:
    return None if asking.requirements.credential is CredentialRequirement.ANY else asking.flagged(Mark.INVOCABLE)


def _expression(asking: Asking) -> Mask | None:
    return asking.satisfied()


def _dialect(asking: Asking) -> Mask | None:
    return asking.any_of(asking.marked(Mark.DIALECT, name) for name in asking.spoken) if asking.spoken else None


def _weight(asking: Asking) -> Mask | None:
    return asking.flagged(Mark.TAKES_TRAFFIC)


# A filter with no fields always holds, in one way or another.
_FILTERS: tuple[tuple[ExclusionReason, frozenset[str], _Filter], ...] = (
    (ExclusionReason.MODEL, frozenset({"models"}), _model),
    (ExclusionReason.TASK, frozenset({"task"}), _task),
    (ExclusionReason.CAPABILITY, frozenset({"all_capabilities", "any_capabilities"}), _capability),
    (ExclusionReason.MODALITY, frozenset({"input_modalities", "output_modalities"}), _modality),
    (ExclusionReason.SKILL, frozenset({"skills"}), _skill),
    (ExclusionReason.CONTEXT, frozenset({"min_context_tokens", "min_output_tokens", "min_input_tokens"}), _context),
    (ExclusionReason.PRICE, frozenset({"max_cost_nanos", "max_price_per_million_nanos"}), _price),
    (
        ExclusionReason.LATENCY,
        frozenset({"max_time_to_first_token", "max_duration", "min_tokens_per_second"}),
        _latency,
    ),
    (ExclusionReason.RELIABILITY, frozenset({"min_reliability"}), _reliability),
    (ExclusionReason.REGION, frozenset({"regions"}), _region),
    (ExclusionReason.PROVIDER, frozenset({"providers", "excluded_providers"}), _provider),
    (ExclusionReason.DATA_POLICY, frozenset({"no_training", "max_retention"}), _data_policy),
    (ExclusionReason.LABEL, frozenset({"labels"}), _label),
    (ExclusionReason.VARIANT, frozenset({"dialects", "quantizations", "families", "version"}), _variant),
    (ExclusionReason.LIFECYCLE, frozenset(), _lifecycle),
    (ExclusionReason.HEALTH, frozenset(), _health),
    (ExclusionReason.CREDENTIAL, frozenset(), _credential),
    (ExclusionReason.FILTER, frozenset({"filter"}), _expression),
    (ExclusionReason.DIALECT, frozenset(), _dialect),
    (ExclusionReason.WEIGHT, frozenset(), _weight),
)
