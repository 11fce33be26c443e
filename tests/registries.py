"""Random small registries and queries, dense enough that filters meet something."""

from datetime import UTC, datetime, timedelta

from hypothesis import assume
from hypothesis import strategies as st

from airegistry.observations.performance import WINDOWS, ErrorCount, Performance, Quantiles, WindowStats
from airegistry.resources.agent import Agent, AgentCapabilities, AgentInterface, AgentProvider, AgentSkill
from airegistry.resources.endpoint import (
    Auth,
    AuthMethod,
    Communication,
    DataPolicy,
    DeclaredPerformance,
    Endpoint,
    RateLimits,
)
from airegistry.resources.model import Benchmark, Capability, Lifecycle, LifecycleStage, Modality, Model, ModelLimits
from airegistry.resources.prices import DailyWindow, Price, PriceBucket, PriceList, PriceSchedule, PriceTier
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
from airegistry.resources.route import ErrorClass
from airegistry.resources.validation import validate_query
from tests.slow_expressions import EXPRESSIONS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


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
LIMITS = st.builds(
    ModelLimits, context_tokens=maybe(NUMBERS), max_output_tokens=maybe(NUMBERS), max_input_tokens=maybe(NUMBERS)
)
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
    weight=st.sampled_from([None, 1, 2, 3, 0]),
    rate_limits=maybe(
        st.builds(
            RateLimits,
            requests_per_minute=maybe(st.sampled_from([0, 60])),
            tokens_per_minute=maybe(st.sampled_from([0, 10_000])),
        )
    ),
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
ENDPOINT_NAMES = [
    f"models/{id_}" for id_ in ("a/endpoints/0", "a/endpoints/1", "b/endpoints/0", "orphaned/endpoints/0")
]
AGENT_NAMES = ["agents/x", "agents/y"]


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
    absent = draw(st.sets(st.sampled_from(NAMES), max_size=2))
    return [draw(resource_of(name)) for name in draw(st.permutations(NAMES)) if name not in absent]


REQUIREMENTS = {
    "task": st.sampled_from([*TASKS, "code-generation", "vision", "chat"]),
    "all_capabilities": some(*CAPABILITIES),
    "any_capabilities": some(*CAPABILITIES),
    "input_modalities": MODALITIES,
    "output_modalities": MODALITIES,
    "min_context_tokens": NUMBERS,
    "min_output_tokens": NUMBERS,
    "min_input_tokens": NUMBERS,
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
    "filter": EXPRESSIONS,
}
MAY_BE_UNKNOWN = sorted(set(REQUIREMENTS) - {"usage", "labels", "lifecycle_stages", "credential", "skills", "filter"})


COUNTS = st.sampled_from([0, 1, 19, 20, 500])
QUANTILES = st.builds(Quantiles, count=COUNTS, p50=st.sampled_from([0.0, 0.01, 0.6, 9.0, 70.0, float("nan")]))
AGES = st.sampled_from([0.0, 30.0, 60.0, 299.999999, 300.0, 900.0, 1_800.0, 7_200.0, 86_399.0, 86_400.0, -5.0])


ROW_NAMES = st.sampled_from([*ENDPOINT_NAMES, *AGENT_NAMES])


@st.composite
def windows(draw, length):
    errors = draw(st.dictionaries(st.none() | st.sampled_from(ErrorClass), st.sampled_from([1, 3, 200]), max_size=3))
    return WindowStats(
        window=length,
        attempts=sum(errors.values()) + draw(COUNTS),
        errors=tuple(ErrorCount(error_class, count) for error_class, count in errors.items()),
        time_to_first_token=draw(maybe(QUANTILES)),
        duration=draw(maybe(QUANTILES)),
        tokens_per_second=draw(maybe(QUANTILES)),
        tokens=draw(st.sampled_from([0, 5_000])),
        last_time=draw(maybe(AGES.map(lambda age: NOW - timedelta(seconds=age)))),
    )


@st.composite
def performances(draw):
    lengths = sorted(draw(st.sets(st.sampled_from(WINDOWS))))
    seen = tuple(draw(windows(length)) for length in lengths)
    load = draw(maybe(st.sampled_from([0.0, 0.1, 0.9, 1.0])))
    said = None if load is None else NOW - timedelta(seconds=draw(st.sampled_from([0, 59, 60, 299, 300])))
    return Performance(draw(ROW_NAMES), seen, NOW - timedelta(seconds=draw(AGES)), load=load, load_time=said)


def everything_measured():
    """Give the performances of some names, each once."""
    return st.lists(performances(), max_size=6, unique_by=lambda performance: performance.name)


@st.composite
def queries(draw):
    asked = draw(st.lists(st.sampled_from(sorted(REQUIREMENTS)), max_size=2, unique=True))
    fields = {name: draw(REQUIREMENTS[name]) for name in asked}
    if draw(st.integers(0, 3)):
        # Most random registries would answer nothing: they are rarely healthy, in use and invocable.
        lenient = {"credential": CredentialRequirement.ANY, "health": HealthRequirement.ANY}
        fields = lenient | {"lifecycle_stages": tuple(LifecycleStage)} | fields
    fields["allow_unknown"] = draw(st.just(()) | some(*MAY_BE_UNKNOWN, "*", most=4))
    weights = draw(maybe(st.builds(ScoreWeights, *[st.sampled_from([0.1, 1.0, 7.0])] * 5)))
    query = DiscoverQuery(
        target=draw(st.sampled_from([None, *DiscoverTarget])),
        requirements=Requirements(**fields) if draw(st.integers(0, 9)) else None,
        preference=None if weights else draw(maybe(st.sampled_from(Preference))),
        weights=weights,
    )
    # What contradicts itself is refused, which is tested by itself.
    assume(not validate_query(query, path="query"))
    return query
