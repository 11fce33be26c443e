"""Discover, slowly: `requirements.proto` and `docs/discovery.md` read for one resource after the other.

A requirement holds (True), does not (False), or is about something unknown (None).
"""

import math
from collections import Counter

from airegistry.discovery.answers import ExclusionReason as Reason
from airegistry.resources.model import LifecycleStage
from airegistry.resources.requirements import (
    CredentialRequirement,
    DiscoverTarget,
    HealthRequirement,
    Preference,
    Requirements,
    TokenMix,
)
from tests.slow_measurements import exploration, latency, load, reliability
from tests.slow_subjects import Subject, all3, any3, one_of, within


def region_fits(region, entries):
    if not region:
        return None
    return any(region.startswith(entry[:-1]) if entry.endswith("*") else region == entry for entry in entries)


def mix_of(asked):
    return asked.usage or TokenMix(750_000, 250_000)


def serves(subject, models, _asked):
    named = {name for text in models for name in subject.known_as(text)}
    return any3(name in named for name in subject.served()) if subject.served() else None


def has_modalities(side):
    def holds(subject, wanted, _asked):
        has = subject.modalities(side)
        return all(modality in has for modality in wanted) if has else None

    return holds


def costs_at_most(subject, most, asked):
    cost = subject.cost(mix_of(asked))
    return None if cost is None else round(cost) <= most


def averages_at_most(subject, most, asked):
    mix, cost = mix_of(asked), subject.cost(mix_of(asked))
    total = mix.input_tokens + mix.output_tokens + mix.cache_read_tokens
    return None if cost is None else cost * 10**6 / total <= most


def lasts_at_most(subject, most, asked):
    first, speed, output = (
        subject.number("time_to_first_token"),
        subject.number("tokens_per_second"),
        mix_of(asked).output_tokens,
    )
    if first is None or (speed is None and output):
        return within(subject.number("duration"), most=most)
    if output:
        first += output / speed if speed else math.inf
    return first <= most


def keeps_no_longer(subject, most, _asked):
    return within(subject.policy().retention, most=most)


def is_not_of(subject, providers, _asked):
    refused = one_of(subject.provider(), providers)
    return None if refused is None else not refused


def trains_not(subject, wanted, _asked):
    trains = subject.policy().trains_on_data
    return True if not wanted else None if trains is None else not trains


def is_as_healthy(subject, health, _asked):
    if health is HealthRequirement.SERVING:
        return subject.serving()
    # USABLE is about what is known to be bad.
    return health is HealthRequirement.ANY or subject.usable()


def has_skills(subject, skills, _asked):
    own = {text for each in (subject.spec.skills if subject.is_agent else ()) for text in (each.id, *each.tags)}
    return own.issuperset(skills)


def text_of(name):
    return lambda subject, wanted, _: one_of(subject.text(name), wanted if isinstance(wanted, tuple) else (wanted,))


def limit_of(name):
    return lambda subject, least, _: within(subject.limit(name), least)


def takes_prompt(subject, tokens, _asked):
    return all3(None if limit is None else tokens <= limit for limit in known_limits(subject))


def known_limits(subject):
    limits = [subject.limit("context_tokens"), subject.limit("max_input_tokens")]
    return [limit for limit in limits if limit is not None] or [None]


HOLDS = {
    "models": (Reason.MODEL, serves),
    "task": (Reason.TASK, lambda subject, task, _: subject.task(task)),
    "all_capabilities": (Reason.CAPABILITY, lambda subject, names, _: all3(map(subject.capability, names))),
    "any_capabilities": (Reason.CAPABILITY, lambda subject, names, _: any3(map(subject.capability, names))),
    "input_modalities": (Reason.MODALITY, has_modalities("input")),
    "output_modalities": (Reason.MODALITY, has_modalities("output")),
    "skills": (Reason.SKILL, has_skills),
    "min_context_tokens": (Reason.CONTEXT, limit_of("context_tokens")),
    "min_output_tokens": (Reason.CONTEXT, limit_of("max_output_tokens")),
    "min_input_tokens": (Reason.CONTEXT, takes_prompt),
    "max_cost_nanos": (Reason.PRICE, costs_at_most),
    "max_price_per_million_nanos": (Reason.PRICE, averages_at_most),
    "max_time_to_first_token": (
        Reason.LATENCY,
        lambda subject, most, _: within(subject.number("time_to_first_token"), most=most),
    ),
    "min_tokens_per_second": (
        Reason.LATENCY,
        lambda subject, least, _: within(subject.number("tokens_per_second"), least),
    ),
    "max_duration": (Reason.LATENCY, lasts_at_most),
    "min_reliability": (Reason.RELIABILITY, lambda subject, least, _: within(subject.number("reliability"), least)),
    "regions": (Reason.REGION, lambda subject, entries, _: region_fits(subject.spec.region, entries)),
    "providers": (Reason.PROVIDER, lambda subject, wanted, _: one_of(subject.provider(), wanted)),
    "excluded_providers": (Reason.PROVIDER, is_not_of),
    "no_training": (Reason.DATA_POLICY, trains_not),
    "max_retention": (Reason.DATA_POLICY, keeps_no_longer),
    "labels": (Reason.LABEL, lambda subject, labels, _: subject.labels().issuperset(labels.items())),
    "dialects": (Reason.VARIANT, text_of("dialect")),
    "quantizations": (Reason.VARIANT, text_of("quantization")),
    "families": (Reason.VARIANT, text_of("family")),
    "version": (Reason.VARIANT, text_of("version")),
    "lifecycle_stages": (Reason.LIFECYCLE, lambda subject, stages, _: subject.stage() in stages),
    "health": (Reason.HEALTH, is_as_healthy),
    "credential": (
        Reason.CREDENTIAL,
        lambda subject, wanted, _: wanted is CredentialRequirement.ANY or subject.invocable(),
    ),
    # The text knows what it means (`tests/slow_expressions.py`).
    "filter": (Reason.FILTER, lambda subject, said, _: said.holds(subject)),
}
ALWAYS = {
    "lifecycle_stages": (LifecycleStage.PREVIEW, LifecycleStage.ACTIVE),
    "health": HealthRequirement.USABLE,
    "credential": CredentialRequirement.INVOCABLE,
}


def required(asked):
    """Return what is required, in the order of the filters: name, reason, what holds, the value, whether unknown passes."""
    found = []
    for name, (reason, holds) in HOLDS.items():
        value = getattr(asked, name)
        if value == getattr(Requirements(), name):
            value = ALWAYS.get(name)
        if value is not None:
            # An expression says by itself what it makes of the unknown.
            passes = name != "filter" and not {name, "*"}.isdisjoint(asked.allow_unknown)
            found.append((name, reason, holds, value, passes))
    return found


def cut_by(subject, asked, requirements, tally):
    """Return the reason of the first requirement that does not hold, or None; *tally* counts what held, by name."""
    for name, reason, holds, value, unknown_passes in requirements:
        held = holds(subject, value, asked)
        tally[name, held] += 1
        if not (held or (held is None and unknown_passes)):
            return reason
    return None if subject.is_agent or subject.spec.weight != 0 else Reason.WEIGHT


WEIGHTS = {
    None: (0.25, 0.2, 0.25, 0.2, 0.1),
    Preference.BALANCED: (0.25, 0.2, 0.25, 0.2, 0.1),
    Preference.CHEAPEST: (0.8, 0.05, 0.05, 0.05, 0.05),
    Preference.FASTEST: (0.05, 0.75, 0.05, 0.05, 0.1),
    Preference.MOST_RELIABLE: (0.05, 0.05, 0.75, 0.05, 0.1),
    Preference.BEST_QUALITY: (0.05, 0.05, 0.05, 0.8, 0.05),
}


def values_of(subject, mix):
    cost = subject.cost(mix)
    total = mix.input_tokens + mix.output_tokens + mix.cache_read_tokens
    scores = [] if subject.is_agent else [each.score / (each.max_score or 100) for each in subject.model.benchmarks]
    state = subject.status.agent_state if subject.is_agent else None
    return (
        0.2 if cost is None else 1 / (1 + float(cost) * 1e6 / total / 1e9),
        latency(subject.seen, subject.declared()),
        reliability(subject.seen, subject.declared(), subject.status.health),
        (math.fsum(min(1, max(0, score)) for score in scores) + 0.8) / (len(scores) + 2),
        load(subject.seen, state, subject.rate_limits()),
        exploration(subject.seen),
    )


def subjects_of(resources, at, performances=None):
    """Return everybody who can be a candidate."""
    models = {each.name: each for each in resources if each.model is not None}
    seen = performances or {}
    listed = [each for each in resources if each.endpoint is not None or each.agent is not None]
    names: dict[str, set[str]] = {}
    return [Subject(each, models, at, seen.get(each.name), names) for each in listed]


def expected(resources, query, at, performances=None):
    """Return totals by name of all that pass, the names cut by reason, and the costs of those that pass."""
    return expected_of(subjects_of(resources, at, performances), query, Counter())


def expected_of(subjects, query, tally):
    """Return the same for subjects that are asked many things."""
    asked = query.requirements or Requirements()
    requirements = required(asked)
    weights = WEIGHTS[query.preference]
    if query.weights is not None:
        given_weights = (
            query.weights.cost,
            query.weights.latency,
            query.weights.reliability,
            query.weights.quality,
            query.weights.load,
        )
        weights = tuple(weight / sum(given_weights) for weight in given_weights)
    every_weight = (*weights, 0.3 * (weights[1] + weights[2]))
    totals: dict[str, float] = {}
    cut: dict[Reason, list[str]] = {}
    costs: dict[str, int | None] = {}
    for subject in subjects:
        if subject.is_agent is not (query.target is DiscoverTarget.AGENT):
            continue
        reason = cut_by(subject, asked, requirements, tally)
        if reason is not None:
            cut.setdefault(reason, []).append(subject.name)
            continue
        mix = mix_of(asked)
        values, cost = values_of(subject, mix), subject.cost(mix)
        totals[subject.name] = sum(v * w for v, w in zip(values, every_weight, strict=True))
        costs[subject.name] = None if cost is None else round(cost)
    return totals, cut, costs
