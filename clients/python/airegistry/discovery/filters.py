"""The hard filters, in the fixed order of their reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from airegistry.discovery.answers import ExclusionReason
from airegistry.discovery.asking import Asking, all_of, any_of
from airegistry.discovery.facts import UNKNOWN, Flag, Number, Text, label_text
from airegistry.discovery.postings import Mask
from airegistry.discovery.rates import cost_limit
from airegistry.discovery.tasks import TaskMeaning, meanings
from airegistry.resources.requirements import CredentialRequirement, HealthRequirement


def filtered(asking: Asking) -> Iterator[tuple[ExclusionReason, Mask]]:
    """Yield which rows each filter passes; filters that were not asked for are left out."""
    for reason, passed in _FILTERS:
        mask = passed(asking)
        if mask is not None:
            yield reason, mask


def _model(asking: Asking) -> Mask | None:
    models = asking.requirements.models
    return asking.one_of("models", Text.MODEL, asking.models_named(models)) if models else None


def _task(asking: Asking) -> Mask | None:
    task = asking.requirements.task
    return any_of(_way(asking, way) for way in meanings(task)) if task else None


def _way(asking: Asking, way: TaskMeaning) -> Mask:
    tagged = asking.one_of("task", Text.TASK, (way.tag,))
    return tagged & asking.can("task", way.capability) if way.capability else tagged


def _capability(asking: Asking) -> Mask | None:
    every = asking.requirements.all_capabilities
    some = asking.requirements.any_capabilities
    return all_of(
        *(asking.can("all_capabilities", name) for name in every),
        any_of(asking.can("any_capabilities", name) for name in some) if some else None,
    )


def _modality(asking: Asking) -> Mask | None:
    takes = asking.requirements.input_modalities
    gives = asking.requirements.output_modalities
    return all_of(
        *(asking.one_of("input_modalities", Text.INPUT, (modality.name,)) for modality in takes),
        *(asking.one_of("output_modalities", Text.OUTPUT, (modality.name,)) for modality in gives),
    )


def _skill(asking: Asking) -> Mask | None:
    return all_of(*(asking.texts[Text.SKILL].mask(skill) for skill in asking.requirements.skills))


def _context(asking: Asking) -> Mask | None:
    return all_of(
        asking.at_least("min_context_tokens", Number.CONTEXT_TOKENS),
        asking.at_least("min_output_tokens", Number.OUTPUT_TOKENS),
    )


def _price(asking: Asking) -> Mask | None:
    total, average = asking.requirements.max_cost_nanos, asking.requirements.max_price_per_million_nanos
    return all_of(
        None if total is None else asking.costs_at_most("max_cost_nanos", total),
        None
        if average is None
        else asking.costs_at_most("max_price_per_million_nanos", cost_limit(asking.mix, average)),
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
    return asking.at_most("max_duration", duration)


def _reliability(asking: Asking) -> Mask | None:
    return asking.at_least("min_reliability", Number.RELIABILITY)


def _region(asking: Asking) -> Mask | None:
    entries = asking.requirements.regions
    if not entries:
        return None
    exact = [entry for entry in entries if not entry.endswith("*")]
    prefixes = tuple(entry[:-1] for entry in entries if entry.endswith("*"))
    below = [region for region in asking.texts[Text.REGION] if region != UNKNOWN and region.startswith(prefixes)]
    return asking.one_of("regions", Text.REGION, (*exact, *below))


def _provider(asking: Asking) -> Mask | None:
    wanted, refused = asking.requirements.providers, asking.requirements.excluded_providers
    unknown = () if asking.allows("excluded_providers") else (UNKNOWN,)
    return all_of(
        asking.one_of("providers", Text.PROVIDER, wanted) if wanted else None,
        ~asking.texts[Text.PROVIDER].any_of((*refused, *unknown)) if refused else None,
    )


def _data_policy(asking: Asking) -> Mask | None:
    return all_of(
        _no_training(asking) if asking.requirements.no_training else None,
        asking.at_most("max_retention", asking.numbers(Number.RETENTION)),
    )


def _no_training(asking: Asking) -> Mask:
    return ~asking.flag(Flag.TRAINS) if asking.allows("no_training") else asking.flag(Flag.NEVER_TRAINS)


def _label(asking: Asking) -> Mask | None:
    labels = (label_text(key, value) for key, value in asking.requirements.labels.items())
    return all_of(*(asking.texts[Text.LABEL].mask(label) for label in labels))


def _variant(asking: Asking) -> Mask | None:
    asked = asking.requirements
    wanted = (
        ("dialects", Text.DIALECT, asked.dialects),
        ("quantizations", Text.QUANTIZATION, asked.quantizations),
        ("families", Text.FAMILY, asked.families),
        ("version", Text.VERSION, (asked.version,) if asked.version else ()),
    )
    return all_of(*(asking.one_of(name, column, values) for name, column, values in wanted if values))


def _lifecycle(asking: Asking) -> Mask | None:
    stages = asking.requirements.lifecycle_stages
    return asking.texts[Text.STAGE].any_of(stage.name for stage in stages) if stages else asking.flag(Flag.IN_USE)


def _health(asking: Asking) -> Mask | None:
    match asking.requirements.health:
        case HealthRequirement.ANY:
            return None
        case HealthRequirement.SERVING:
            serving = asking.flag(Flag.SERVING)
            return serving | asking.flag(Flag.HEALTH_UNKNOWN) if asking.allows("health") else serving
    return asking.flag(Flag.USABLE)


def _credential(asking: Asking) -> Mask | None:
    return None if asking.requirements.credential is CredentialRequirement.ANY else asking.flag(Flag.INVOCABLE)


def _weight(asking: Asking) -> Mask | None:
    return asking.flag(Flag.TAKES_TRAFFIC)


_FILTERS: tuple[tuple[ExclusionReason, Callable[[Asking], Mask | None]], ...] = (
    (ExclusionReason.MODEL, _model),
    (ExclusionReason.TASK, _task),
    (ExclusionReason.CAPABILITY, _capability),
    (ExclusionReason.MODALITY, _modality),
    (ExclusionReason.SKILL, _skill),
    (ExclusionReason.CONTEXT, _context),
    (ExclusionReason.PRICE, _price),
    (ExclusionReason.LATENCY, _latency),
    (ExclusionReason.RELIABILITY, _reliability),
    (ExclusionReason.REGION, _region),
    (ExclusionReason.PROVIDER, _provider),
    (ExclusionReason.DATA_POLICY, _data_policy),
    (ExclusionReason.LABEL, _label),
    (ExclusionReason.VARIANT, _variant),
    (ExclusionReason.LIFECYCLE, _lifecycle),
    (ExclusionReason.HEALTH, _health),
    (ExclusionReason.CREDENTIAL, _credential),
    (ExclusionReason.WEIGHT, _weight),
)
