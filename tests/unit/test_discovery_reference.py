"""The index against a slow reading of `requirements.proto` and `docs/discovery.md`, one resource after the other."""

import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airegistry.discovery.answers import ExclusionReason as Reason
from airegistry.discovery.index import Index
from airegistry.discovery.tasks import meanings
from airegistry.resources.agent import Agent, AgentCapabilities, AgentInterface, AgentProvider, AgentSkill
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, DataPolicy, DeclaredPerformance, Endpoint
from airegistry.resources.model import Benchmark, Capability, Lifecycle, LifecycleStage, Modality, Model, ModelLimits
from airegistry.resources.prices import DailyWindow, Price, PriceBucket, PriceList, PriceSchedule, PriceTier
from airegistry.resources.pricing import in_force, nanos_for
from airegistry.resources.requirements import (
    CredentialRequirement,
    DiscoverQuery,
    DiscoverTarget,
    HealthRequirement,
    Preference,
    Requirements,
    ScoreWeights,
    TokenMix,
)
from airegistry.resources.resource import AgentState, Health, Liveness, Resource, ResourceStatus

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

# ---------------------------------------------------------------------------------------------- the slow reading
# A requirement holds (True), does not (False), or is about something unknown (None).


def all3(values):
    values = list(values)
    return False if False in values else None if None in values else True


def any3(values):
    values = list(values)
    return True if True in values else None if None in values else False


def one_of(value, wanted):
    return value in wanted if value else None


def within(value, least=-math.inf, most=math.inf):
    return None if value is None else least <= value <= most


class Subject:
    """One endpoint or agent with its model, as the requirements see it."""

    def __init__(self, resource, models, at):
        self.resource, self.name, self.at = resource, resource.name, at
        self.spec = resource.endpoint or resource.agent
        self.is_agent = resource.agent is not None
        parent = None if self.is_agent else models.get(resource.name.split("/endpoints/")[0])
        self.model_name = "" if self.is_agent else resource.name.split("/endpoints/")[0]
        self.parent, self.model = parent, (parent.model if parent else None) or Model()
        self.models = models
        self.status = resource.status or ResourceStatus()

    def capability(self, name):
        if self.is_agent:
            known = self.spec.capabilities or AgentCapabilities()
            return bool(getattr(known, name)) if name in AgentCapabilities.__slots__ else None
        if name == "vision" and Modality.IMAGE in self.model.input_modalities:
            return True
        declared = {**self.model.capabilities, **self.spec.capabilities}.get(name)
        if declared is None:
            return False if name == "vision" and self.model.input_modalities else None
        return True if declared.level is not None else declared.supported

    def task(self, task):
        def way(meaning):
            tagged = None if self.is_agent or not self.model.tasks else meaning.tag in self.model.tasks
            return all3([tagged, self.capability(meaning.capability) if meaning.capability else True])

        return any3(way(meaning) for meaning in meanings(task))

    def modalities(self, side):
        if not self.is_agent:
            return getattr(self.model, f"{side}_modalities")
        kinds = {"text": Modality.TEXT, "image": Modality.IMAGE, "application": Modality.FILE}
        modes = getattr(self.spec, f"default_{side}_modes")
        return [kinds[mode.split("/")[0]] for mode in modes]

    def limit(self, name):
        if self.is_agent:
            return None
        own, model = self.spec.limits or ModelLimits(), self.model.limits or ModelLimits()
        return getattr(model, name) if getattr(own, name) is None else getattr(own, name)

    def declared(self, name):
        return None if self.is_agent or self.spec.declared is None else getattr(self.spec.declared, name)

    def provider(self):
        if self.is_agent:
            return self.spec.provider.organization if self.spec.provider else ""
        return self.spec.provider

    def text(self, name):
        if name == "dialect":
            return "" if self.is_agent or not self.spec.communication else self.spec.communication.dialect
        if name == "quantization":
            return "" if self.is_agent else self.spec.quantization
        if name == "version":
            return self.spec.version if self.is_agent else self.model.version
        return "" if self.is_agent else self.model.family

    def served(self):
        return list(self.spec.models) if self.is_agent else [self.model_name]

    def known_as(self, text):
        names = {text}
        for name, resource in self.models.items():
            model = resource.model
            originals = {*model.original_ids, *(f"{model.publisher}/{each}" for each in model.original_ids)}
            if text in {name.split("/")[1], *model.aliases, *originals}:
                names.add(name)
        return names

    def labels(self):
        pairs = set(self.resource.labels.items())
        return pairs | set(self.parent.labels.items()) if self.parent else pairs

    def stage(self):
        life = self.model.lifecycle
        if self.is_agent or life is None:
            return LifecycleStage.ACTIVE
        stage = life.stage or LifecycleStage.ACTIVE
        if life.deprecate_time and life.deprecate_time <= self.at:
            stage = max(stage, LifecycleStage.DEPRECATED)
        return LifecycleStage.RETIRED if life.retire_time and life.retire_time <= self.at else stage

    def usable(self):
        bad_health = self.status.health in (Health.NOT_SERVING, Health.DRAINING)
        bad_lease = self.status.liveness is Liveness.SUSPECT
        return not (bad_health or bad_lease or self.status.agent_state is AgentState.DRAINING)

    def serving(self):
        if not self.usable():
            return False
        if self.status.health is None:
            return True if self.status.agent_state is AgentState.AVAILABLE else None
        return self.status.health is Health.SERVING

    def invocable(self):
        auth = self.spec.auth if self.is_agent else self.spec.communication and self.spec.communication.auth
        credential = bool(self.spec.credential) or bool(auth and auth.method is AuthMethod.NONE)
        if self.is_agent:
            return bool(self.spec.interfaces) and credential
        dialect = self.spec.communication and self.spec.communication.dialect
        return bool(self.spec.address and dialect and credential) and self.stage() is not LifecycleStage.RETIRED

    def cost(self, mix):
        """In nano-USD, exactly; None when a price that it takes is unknown."""
        held = in_force(self.spec.prices, self.at) if self.spec.prices else {}
        total_input = mix.input_tokens + mix.cache_read_tokens

        def price(bucket):
            return nanos_for(held[bucket], total_input) if bucket in held else None

        fresh, output = price(PriceBucket.INPUT_TOKENS), price(PriceBucket.OUTPUT_TOKENS)
        cached = price(PriceBucket.CACHE_READ_TOKENS)
        task = price(PriceBucket.AGENT_TASKS) if self.is_agent else None
        if task is not None:
            fresh = 0 if PriceBucket.INPUT_TOKENS not in held else fresh
            output = 0 if PriceBucket.OUTPUT_TOKENS not in held else output
        cached = fresh if cached is None else cached
        counts = ((mix.input_tokens, fresh), (mix.output_tokens, output), (mix.cache_read_tokens, cached))
        if any(count and nanos is None for count, nanos in counts):
            return None
        return (task or 0) + sum(Fraction(nanos * count, 10**6) for count, nanos in counts if count)


def region_fits(region, entries):
    return any(region.startswith(entry[:-1]) if entry.endswith("*") else region == entry for entry in entries)


def requirements_of(subject, asked):
    """Yield each requirement that is set: the reason it excludes for, its name, and whether it holds."""
    mix = asked.usage or TokenMix(750_000, 250_000)
    total = mix.input_tokens + mix.output_tokens + mix.cache_read_tokens
    if asked.models:
        named = {name for text in asked.models for name in subject.known_as(text)}
        yield Reason.MODEL, "models", any3(name in named for name in subject.served()) if subject.served() else None
    if asked.task:
        yield Reason.TASK, "task", subject.task(asked.task)
    for name in asked.all_capabilities:
        yield Reason.CAPABILITY, "all_capabilities", subject.capability(name)
    if asked.any_capabilities:
        yield Reason.CAPABILITY, "any_capabilities", any3(subject.capability(name) for name in asked.any_capabilities)
    for side in ("input", "output"):
        for modality in getattr(asked, f"{side}_modalities"):
            has = subject.modalities(side)
            yield Reason.MODALITY, f"{side}_modalities", modality in has if has else None
    for skill in asked.skills:
        skills = subject.spec.skills if subject.is_agent else ()
        yield Reason.SKILL, "", any(skill in (each.id, *each.tags) for each in skills)
    if asked.min_context_tokens is not None:
        yield Reason.CONTEXT, "min_context_tokens", within(subject.limit("context_tokens"), asked.min_context_tokens)
    if asked.min_output_tokens is not None:
        yield Reason.CONTEXT, "min_output_tokens", within(subject.limit("max_output_tokens"), asked.min_output_tokens)
    cost = subject.cost(mix)
    if asked.max_cost_nanos is not None:
        yield Reason.PRICE, "max_cost_nanos", None if cost is None else round(cost) <= asked.max_cost_nanos
    if asked.max_price_per_million_nanos is not None:
        cheap = None if cost is None else cost * 10**6 / total <= asked.max_price_per_million_nanos
        yield Reason.PRICE, "max_price_per_million_nanos", cheap
    first, speed = subject.declared("time_to_first_token"), subject.declared("tokens_per_second")
    if asked.max_time_to_first_token is not None:
        yield Reason.LATENCY, "max_time_to_first_token", within(first, most=asked.max_time_to_first_token)
    if asked.min_tokens_per_second is not None:
        yield Reason.LATENCY, "min_tokens_per_second", within(speed, asked.min_tokens_per_second)
    if asked.max_duration is not None:
        known = first is not None and (speed is not None or not mix.output_tokens)
        duration = first + (mix.output_tokens / speed if mix.output_tokens else 0) if known else None
        yield Reason.LATENCY, "max_duration", within(duration, most=asked.max_duration)
    if asked.min_reliability is not None:
        yield Reason.RELIABILITY, "min_reliability", within(subject.declared("reliability"), asked.min_reliability)
    if asked.regions:
        region = subject.spec.region
        yield Reason.REGION, "regions", region_fits(region, asked.regions) if region else None
    if asked.providers:
        yield Reason.PROVIDER, "providers", one_of(subject.provider(), asked.providers)
    if asked.excluded_providers:
        refused = one_of(subject.provider(), asked.excluded_providers)
        yield Reason.PROVIDER, "excluded_providers", None if refused is None else not refused
    policy = subject.spec.data_policy or DataPolicy()
    if asked.no_training:
        trains = policy.trains_on_data
        yield Reason.DATA_POLICY, "no_training", None if trains is None else not trains
    if asked.max_retention is not None:
        yield Reason.DATA_POLICY, "max_retention", within(policy.retention, most=asked.max_retention)
    for label in asked.labels.items():
        yield Reason.LABEL, "", label in subject.labels()
    for name, wanted in (("dialect", asked.dialects), ("quantization", asked.quantizations)):
        if wanted:
            yield Reason.VARIANT, f"{name}s", one_of(subject.text(name), wanted)
    if asked.families:
        yield Reason.VARIANT, "families", one_of(subject.text("family"), asked.families)
    if asked.version:
        yield Reason.VARIANT, "version", one_of(subject.text("version"), (asked.version,))
    stages = asked.lifecycle_stages or (LifecycleStage.PREVIEW, LifecycleStage.ACTIVE)
    yield Reason.LIFECYCLE, "", subject.stage() in stages
    if asked.health is HealthRequirement.SERVING:
        yield Reason.HEALTH, "health", subject.serving()
    elif asked.health is not HealthRequirement.ANY:
        yield Reason.HEALTH, "", subject.usable()
    if asked.credential is not CredentialRequirement.ANY:
        yield Reason.CREDENTIAL, "", subject.invocable()
    yield Reason.WEIGHT, "", subject.is_agent or subject.spec.weight != 0


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
    first, speed = subject.declared("time_to_first_token"), subject.declared("tokens_per_second")
    share = subject.declared("reliability")
    soon = 0.4 if first is None else 0.5 / (0.5 + first)
    fast = 0.4 if speed is None else speed / (speed + 50)
    sure = 0.4 if share is None else 1 if share == 1 else min(1, -math.log10(1 - share) / 4)
    scores = [] if subject.is_agent else [each.score / (each.max_score or 100) for each in subject.model.benchmarks]
    idle = {None: 0.5, AgentState.AVAILABLE: 0.75}.get(subject.status.agent_state if subject.is_agent else None, 0)
    return (
        0.2 if cost is None else 1 / (1 + float(cost) * 1e6 / total / 1e9),
        (soon + fast) / 2,
        sure / 2 if subject.status.health is Health.DEGRADED else sure,
        (math.fsum(min(1, max(0, score)) for score in scores) + 0.8) / (len(scores) + 2),
        idle,
    )


def expected(resources, query, at):
    """Return totals by name of all that pass, the names cut by reason, and the costs of those that pass."""
    asked = query.requirements or Requirements()
    models = {each.name: each for each in resources if each.model is not None}
    weights = WEIGHTS[query.preference]
    if query.weights is not None:
        given_weights = (query.weights.cost, query.weights.latency, query.weights.reliability, query.weights.quality, query.weights.load)
        weights = tuple(weight / sum(given_weights) for weight in given_weights)
    totals, cut, costs = {}, {}, {}
    for resource in resources:
        wanted = resource.agent if query.target is DiscoverTarget.AGENT else resource.endpoint
        if wanted is None:
            continue
        subject = Subject(resource, models, at)
        for reason, name, holds in requirements_of(subject, asked):
            unknown_passes = name and (name in asked.allow_unknown or "*" in asked.allow_unknown)
            if not (holds or (holds is None and unknown_passes)):
                cut.setdefault(reason, []).append(resource.name)
                break
        else:
            mix = asked.usage or TokenMix(750_000, 250_000)
            values = values_of(subject, mix)
            totals[resource.name] = sum(v * w for v, w in zip(values, weights, strict=True))
            cost = subject.cost(mix)
            costs[resource.name] = None if cost is None else round(cost)
    return totals, cut, costs


# ------------------------------------------------------------------------------------------- random registries


def maybe(strategy):
    return st.none() | strategy


def some(*values, most=2):
    return st.lists(st.sampled_from(values), max_size=most, unique=True).map(tuple)


TIMES = st.sampled_from([NOW - timedelta(days=1), NOW + timedelta(hours=1), NOW + timedelta(days=400)])
NUMBERS = st.sampled_from([0, 1, 1_000, 8_192, 10**6])
SECONDS = st.sampled_from([0.0, 0.2, 1.5, 60.0])
NANOS = st.sampled_from([0, 1, 333_333, 150_000_000, 2_500_000_000, 10**12, 2**62])
TASKS = ("text-generation", "image-text-to-text", "feature-extraction", "summarization")
CAPABILITIES = ("tools", "code", "vision", "streaming")
LABELS = st.dictionaries(st.sampled_from(["team", "tier"]), st.sampled_from(["a", "b", ""]), max_size=2)
CAPABILITY = st.builds(Capability, supported=st.booleans()) | st.builds(Capability, level=st.integers(1, 5))
DECLARED_CAPABILITIES = st.dictionaries(st.sampled_from(CAPABILITIES), CAPABILITY, max_size=3)
MODALITIES = some(Modality.TEXT, Modality.IMAGE, Modality.FILE)
LIMITS = st.builds(ModelLimits, context_tokens=maybe(NUMBERS), max_output_tokens=maybe(NUMBERS))
POLICY = st.builds(DataPolicy, trains_on_data=maybe(st.booleans()), retention=maybe(SECONDS))
AUTH = st.builds(Auth, method=maybe(st.sampled_from([AuthMethod.NONE, AuthMethod.BEARER])))
STATUS = st.builds(
    ResourceStatus,
    liveness=maybe(st.sampled_from(Liveness)),
    health=maybe(st.sampled_from(Health)),
    agent_state=maybe(st.sampled_from(AgentState)),
)
TOKEN_BUCKETS = (PriceBucket.INPUT_TOKENS, PriceBucket.OUTPUT_TOKENS, PriceBucket.CACHE_READ_TOKENS)
TIERS = st.lists(st.builds(PriceTier, above=NUMBERS, nanos=NANOS), max_size=2, unique_by=lambda tier: tier.above).map(
    lambda tiers: tuple(sorted(tiers, key=lambda tier: tier.above))
)
TOKEN_PRICE = st.builds(Price, bucket=st.sampled_from(TOKEN_BUCKETS), nanos=maybe(NANOS), tiers=TIERS)
TASK_PRICE = st.builds(Price, bucket=st.just(PriceBucket.AGENT_TASKS), nanos=NANOS)
SCHEDULE = st.builds(
    PriceSchedule,
    prices=st.lists(TOKEN_PRICE | TASK_PRICE, max_size=4, unique_by=lambda price: price.bucket).map(tuple),
    start_time=maybe(TIMES),
    end_time=maybe(TIMES),
    daily_window=maybe(st.builds(DailyWindow, st.sampled_from([0, 43_200, 50_000]), st.sampled_from([10, 46_800]))),
    variant=st.sampled_from([{}, {}, {"processing": "batch"}]),
)
PRICES = st.builds(PriceList, schedules=st.lists(SCHEDULE, max_size=2).map(tuple))

MODEL = st.builds(
    Model,
    publisher=st.sampled_from(["", "acme"]),
    family=st.sampled_from(["", "f"]),
    version=st.sampled_from(["", "1"]),
    original_ids=some("Org/A", "Org/B"),
    aliases=some("best", "b"),
    tasks=some(*TASKS),
    input_modalities=MODALITIES,
    output_modalities=MODALITIES,
    capabilities=DECLARED_CAPABILITIES,
    limits=maybe(LIMITS),
    lifecycle=maybe(
        st.builds(
            Lifecycle,
            stage=maybe(st.sampled_from(LifecycleStage)),
            deprecate_time=maybe(TIMES),
            retire_time=maybe(TIMES),
        )
    ),
    benchmarks=st.lists(
        st.builds(Benchmark, st.just("b"), st.sampled_from([-5.0, 0.5, 80.0]), maybe(st.just(10.0))), max_size=2
    ).map(tuple),
)
ENDPOINT = st.builds(
    Endpoint,
    provider=st.sampled_from(["acme", "other"]),
    address=st.sampled_from(["", "https://a", "https://b"]),
    communication=maybe(st.builds(Communication, dialect=st.sampled_from(["", "x", "y"]), auth=maybe(AUTH))),
    credential=st.sampled_from(["", "key"]),
    prices=maybe(PRICES),
    region=st.sampled_from(["", "eu-1", "eu-2", "us"]),
    data_policy=maybe(POLICY),
    weight=st.sampled_from([None, 0, 1]),
    declared=maybe(
        st.builds(
            DeclaredPerformance,
            time_to_first_token=maybe(SECONDS),
            tokens_per_second=maybe(st.sampled_from([1.0, 80.0])),
            reliability=maybe(st.sampled_from([0.0, 0.9, 1.0])),
        )
    ),
    limits=maybe(LIMITS),
    capabilities=DECLARED_CAPABILITIES,
    quantization=st.sampled_from(["", "fp8"]),
)
AGENT = st.builds(
    Agent,
    version=st.sampled_from(["", "1"]),
    provider=maybe(st.builds(AgentProvider, organization=st.sampled_from(["acme", "other"]))),
    interfaces=st.sampled_from([(), (AgentInterface(url="https://a"),)]),
    skills=st.lists(
        st.builds(AgentSkill, id=st.sampled_from(["plan", "write"]), tags=some("text", "plan")), max_size=2
    ).map(tuple),
    default_input_modes=some("text/plain", "image/png", "application/pdf"),
    default_output_modes=some("text/plain"),
    capabilities=maybe(st.builds(AgentCapabilities, streaming=maybe(st.booleans()))),
    models=some("models/a", "models/b"),
    prices=maybe(PRICES),
    credential=st.sampled_from(["", "key"]),
    auth=maybe(AUTH),
    region=st.sampled_from(["", "eu-1"]),
    data_policy=maybe(POLICY),
)
MODEL_NAMES = ["models/a", "models/b"]
ENDPOINT_NAMES = [f"{model}/endpoints/{place}" for model in (*MODEL_NAMES, "models/orphaned") for place in "01"]
AGENT_NAMES = ["agents/x", "agents/y", "agents/z"]


def resource_of(name):
    named = {"name": st.just(name), "labels": LABELS}
    if name in MODEL_NAMES:
        return st.builds(Resource, **named, model=MODEL)
    named["status"] = maybe(STATUS)
    if name in AGENT_NAMES:
        return st.builds(Resource, **named, agent=AGENT)
    return st.builds(Resource, **named, endpoint=ENDPOINT)


NAMES = [*MODEL_NAMES, *ENDPOINT_NAMES, *AGENT_NAMES]
RESOURCE = st.sampled_from(NAMES).flatmap(resource_of)


@st.composite
def registries(draw):
    absent = draw(st.sets(st.sampled_from(NAMES), max_size=3))
    return [draw(resource_of(name)) for name in draw(st.permutations(NAMES)) if name not in absent]


REQUIREMENTS = {
    "task": st.sampled_from([*TASKS, "code-generation", "vision", "chat"]),
    "all_capabilities": some(*CAPABILITIES),
    "any_capabilities": some(*CAPABILITIES),
    "input_modalities": MODALITIES,
    "output_modalities": MODALITIES,
    "min_context_tokens": NUMBERS,
    "min_output_tokens": NUMBERS,
    "max_cost_nanos": NANOS,
    "max_price_per_million_nanos": NANOS,
    "usage": st.builds(TokenMix, NUMBERS, NUMBERS, NUMBERS).filter(lambda mix: mix != TokenMix()),
    "max_time_to_first_token": SECONDS,
    "max_duration": SECONDS,
    "min_tokens_per_second": st.sampled_from([0.0, 10.0, 80.0]),
    "min_reliability": st.sampled_from([0.0, 0.5, 1.0]),
    "regions": some("eu-1", "eu-*", "us", "*"),
    "providers": some("acme", "other"),
    "excluded_providers": some("acme", "none"),
    "models": some("models/a", "b", "best", "Org/A", "acme/Org/B", "nobody"),
    "labels": LABELS,
    "no_training": st.booleans(),
    "max_retention": SECONDS,
    "lifecycle_stages": some(*LifecycleStage),
    "health": st.sampled_from(HealthRequirement),
    "credential": st.sampled_from(CredentialRequirement),
    "quantizations": some("fp8", "int4"),
    "dialects": some("x", "y"),
    "families": some("f"),
    "version": st.just("1"),
    "skills": some("plan", "text"),
}
MAY_BE_UNKNOWN = sorted(set(REQUIREMENTS) - {"usage", "labels", "lifecycle_stages", "credential", "skills"})


@st.composite
def queries(draw):
    asked = draw(st.lists(st.sampled_from(sorted(REQUIREMENTS)), max_size=3, unique=True))
    fields = {name: draw(REQUIREMENTS[name]) for name in asked}
    if draw(st.integers(0, 3)):
        # Most random registries would answer nothing: they are rarely healthy, in use and invocable.
        lenient = {"credential": CredentialRequirement.ANY, "health": HealthRequirement.ANY}
        fields = lenient | {"lifecycle_stages": tuple(LifecycleStage)} | fields
    fields["allow_unknown"] = draw(st.just(()) | some(*MAY_BE_UNKNOWN, "*", most=4))
    weights = draw(maybe(st.builds(ScoreWeights, *[st.sampled_from([0.1, 1.0, 7.0])] * 5)))
    return DiscoverQuery(
        target=draw(st.sampled_from([None, *DiscoverTarget])),
        requirements=Requirements(**fields) if draw(st.integers(0, 9)) else None,
        preference=None if weights else draw(maybe(st.sampled_from(Preference))),
        weights=weights,
    )


# --------------------------------------------------------------------------------------------------- the promises


def check_agreement(index, resources, query, at):
    totals, cut, costs = expected(resources, query, at)
    answer = index.discover(query, limit=50, name_excluded=True)
    found = answer.candidates
    assert {each.name: each.score.total for each in found} == pytest.approx(totals, abs=1e-12)
    assert list(found) == sorted(found, key=lambda each: (-each.score.total, each.name))
    assert {each.name: each.cost_nanos for each in found} == costs
    assert answer.matched_count == len(totals)
    assert [(each.reason, each.count, list(each.names)) for each in answer.exclusions] == [
        (reason, len(cut[reason]), sorted(cut[reason])) for reason in sorted(cut)
    ]
    assert index.discover(query, limit=1).candidates == found[:1]


@given(registries(), queries())
def test_filters_counts_scores_and_order_are_those_of_the_slow_reading(resources, query):
    index = Index(lambda: NOW)
    index.replace(resources, 1)
    check_agreement(index, resources, query, NOW)


@settings(max_examples=60)
@given(registries(), st.lists(st.lists(RESOURCE | st.sampled_from(NAMES), max_size=4), max_size=4), queries())
def test_changes_one_by_one_give_what_a_fresh_index_gives(resources, batches, query):
    index = Index(lambda: NOW)
    index.replace(resources, 1)
    held = {resource.name: resource for resource in resources}
    for revision, batch in enumerate(batches, start=2):
        removed = [change for change in batch if isinstance(change, str)]
        puts = {change.name: change for change in batch if not isinstance(change, str)}
        index.discover(query, limit=50)
        index.apply(puts.values(), [name for name in removed if name not in puts], revision)
        for name in removed:
            held.pop(name, None)
        held |= puts
        check_agreement(index, list(held.values()), query, NOW)
        fresh = Index(lambda: NOW)
        fresh.replace(held.values(), revision)
        assert index.discover(query, limit=50) == fresh.discover(query, limit=50)


@settings(max_examples=40)
@given(registries(), st.lists(st.sampled_from([1, 3_600, 46_000, 86_400, 400 * 86_400]), max_size=4), queries())
def test_what_changes_with_time_is_that_of_the_time_of_the_query(resources, waits, query):
    clock = [NOW]
    index = Index(lambda: clock[0])
    index.replace(resources, 1)
    for wait in waits:
        index.discover(query)
        clock[0] += timedelta(seconds=wait)
        check_agreement(index, resources, query, clock[0])
