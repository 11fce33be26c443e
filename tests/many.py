"""A thousand endpoints and a thousand queries of a seeded generator: more than a property test draws at once.

Every value has neighbours that a requirement tells apart, and most facts are missing now and then.
"""

from datetime import timedelta

from airegistry.observations.performance import WINDOWS, ErrorCount, Performance, Quantiles, WindowStats
from airegistry.resources.agent import Agent, AgentCapabilities, AgentInterface, AgentProvider, AgentSkill
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, DataPolicy, DeclaredPerformance, Endpoint
from airegistry.resources.model import Benchmark, Capability, Lifecycle, LifecycleStage, Modality, Model, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule, PriceTier
from airegistry.resources.requirements import (
    CredentialRequirement,
    DiscoverQuery,
    DiscoverTarget,
    HealthRequirement,
    Preference,
    Requirements,
    TokenMix,
)
from airegistry.resources.resource import AgentState, Health, Liveness, Resource, ResourceStatus
from airegistry.resources.route import ErrorClass
from airegistry.resources.validation import validate_query
from tests.registries import MAY_BE_UNKNOWN, NOW
from tests.slow_expressions import expression

TASKS = ("text-generation", "image-text-to-text", "feature-extraction", "summarization")
CAPABILITIES = ("tools", "code", "vision", "streaming", "reasoning")
REGIONS = ("eu-1", "eu-2", "eu-west-1", "us", "us-2")
PROVIDERS = ("acme", "other", "third", "fourth")
TOKENS = (0, 1_000, 8_192, 100_000, 10**6)
SECONDS = (0.0, 0.2, 0.5, 1.5, 60.0)
NANOS = (0, 333_333, 150_000_000, 2_500_000_000, 10**10)
LABELS = ("team", "tier")
MODALITIES = (Modality.TEXT, Modality.IMAGE, Modality.FILE)
SPEEDS = (1.0, 10.0, 80.0)
SHARES = (0.0, 0.5, 0.9, 1.0)


class Many:
    """What a seeded generator makes."""

    def __init__(self, rng):
        self.rng = rng

    def maybe(self, value, share=0.7):
        return value if self.rng.random() < share else None

    def one(self, values):
        return self.rng.choice(values)

    def some(self, values, most=2):
        return tuple(self.rng.sample(values, self.rng.randint(0, most)))

    def registry(self, models, endpoints, agents):
        """Return the resources, with endpoints of models that are not there."""
        listed = [self.model(i) for i in range(models)]
        listed += [self.endpoint(self.rng.randrange(models + models // 20), i) for i in range(endpoints)]
        return [*listed, *(self.agent(i) for i in range(agents))]

    def model(self, number):
        life = Lifecycle(self.maybe(self.one((*LifecycleStage, LifecycleStage.ACTIVE))), self.maybe(self.time(), 0.2))
        return Resource(
            name=f"models/m{number}",
            labels=self.labels(),
            model=Model(
                publisher=self.one(("", "acme")),
                family=self.one(("", "f", "g")),
                version=self.one(("", "1", "2")),
                original_ids=self.some(("Org/A", "Org/B", "Org/C")),
                aliases=self.some(("best", "b", "small")),
                tasks=self.some(TASKS),
                input_modalities=self.some(MODALITIES),
                output_modalities=self.some(MODALITIES),
                capabilities=self.capabilities(),
                limits=self.maybe(self.limits()),
                lifecycle=self.maybe(life, 0.4),
                benchmarks=tuple(Benchmark("b", self.one((0.5, 80.0))) for _ in range(self.rng.randint(0, 2))),
            ),
        )

    def endpoint(self, model, number):
        communication = Communication(dialect=self.one(("", "x", "y")), auth=self.maybe(self.auth(), 0.3))
        declared = DeclaredPerformance(
            self.maybe(self.one(SECONDS)), self.maybe(self.one(SPEEDS)), self.maybe(self.one(SHARES))
        )
        return Resource(
            name=f"models/m{model}/endpoints/e{number}",
            labels=self.labels(),
            status=self.maybe(self.status(), 0.5),
            endpoint=Endpoint(
                provider=self.one(PROVIDERS),
                address=self.one(("https://a", "https://a", "")),
                communication=self.maybe(communication, 0.9),
                credential=self.one(("", "key", "key")),
                prices=self.maybe(self.prices()),
                region=self.one(("", *REGIONS)),
                data_policy=self.maybe(DataPolicy(self.maybe(self.one((True, False))), self.maybe(self.one(SECONDS)))),
                weight=self.one((None, None, 1, 2, 0)),
                declared=self.maybe(declared),
                limits=self.maybe(self.limits(), 0.3),
                capabilities=self.maybe(self.capabilities(), 0.3) or {},
                quantization=self.one(("", "fp8", "int4")),
            ),
        )

    def agent(self, number):
        skills = (AgentSkill(id=self.one(("plan", "write")), tags=self.some(("text", "todo"))) for _ in range(2))
        return Resource(
            name=f"agents/a{number}",
            labels=self.labels(),
            status=self.maybe(self.status(), 0.5),
            agent=Agent(
                version=self.one(("", "1", "2")),
                provider=self.maybe(AgentProvider(organization=self.one(PROVIDERS))),
                interfaces=self.maybe((AgentInterface(url="https://a"),)) or (),
                skills=self.maybe(tuple(skills)) or (),
                default_input_modes=self.some(("text/plain", "image/png", "application/pdf")),
                default_output_modes=self.some(("text/plain", "image/png")),
                capabilities=self.maybe(AgentCapabilities(streaming=self.maybe(self.one((True, False))))),
                models=self.some(("models/m1", "models/m2")),
                prices=self.maybe(self.prices()),
                credential=self.one(("", "key")),
                region=self.one(("", *REGIONS)),
                data_policy=self.maybe(DataPolicy(self.maybe(self.one((True, False))), self.maybe(self.one(SECONDS)))),
            ),
        )

    def labels(self):
        return {key: self.one(("a", "b")) for key in self.some(LABELS)}

    def auth(self):
        return Auth(self.one((AuthMethod.NONE, AuthMethod.BEARER)))

    def status(self):
        usable = self.rng.random() < 0.8
        return ResourceStatus(
            liveness=Liveness.LIVE if usable else self.one(tuple(Liveness)),
            health=self.maybe(Health.SERVING if usable else self.one(tuple(Health))),
            agent_state=self.maybe(self.one(tuple(AgentState)), 0.3),
        )

    def limits(self):
        return ModelLimits(*(self.maybe(self.one(TOKENS)) for _ in range(3)))

    def capabilities(self):
        def capability():
            return (
                Capability(supported=self.one((True, True, False))) if self.rng.random() < 0.8 else Capability(level=3)
            )

        return {name: capability() for name in self.some(CAPABILITIES, 4)}

    def time(self):
        return NOW + self.one((timedelta(days=-1), timedelta(hours=1), timedelta(days=400)))

    def prices(self):
        buckets = [PriceBucket.INPUT_TOKENS, PriceBucket.OUTPUT_TOKENS, PriceBucket.CACHE_READ_TOKENS]
        held = buckets if self.rng.random() < 0.7 else self.some(buckets, 3)
        tiers = (PriceTier(above=8_192, nanos=self.one(NANOS)),)
        prices = tuple(Price(bucket, self.one(NANOS), self.maybe(tiers, 0.2) or ()) for bucket in held)
        return PriceList((PriceSchedule(prices, end_time=self.maybe(self.time(), 0.2)),))

    def performances(self, names):
        """Return what was measured of some of them."""
        return [self.performance(name) for name in names if self.rng.random() < 0.4]

    def performance(self, name):
        lengths = sorted(self.rng.sample(sorted(WINDOWS), self.rng.randint(1, len(WINDOWS))))
        windows = tuple(self.window(length) for length in lengths)
        return Performance(name, windows, NOW - timedelta(seconds=self.one((0, 60, 299, 900))))

    def window(self, length):
        errors = {self.one((None, *ErrorClass)): self.one((1, 3, 200)) for _ in range(self.rng.randint(0, 2))}
        return WindowStats(
            window=length,
            attempts=sum(errors.values()) + self.one((0, 19, 20, 500)),
            errors=tuple(ErrorCount(kind, count) for kind, count in errors.items()),
            time_to_first_token=self.quantiles((0.01, 0.6, 9.0)),
            duration=self.quantiles((0.5, 9.0, 70.0)),
            tokens_per_second=self.quantiles((5.0, 60.0)),
            last_time=NOW - timedelta(seconds=self.one((0, 30, 900, 7_200))),
        )

    def quantiles(self, medians):
        return self.maybe(Quantiles(count=self.one((0, 1, 19, 20, 500)), p50=self.one(medians)))

    def query(self):
        """Return a query that makes sense."""
        while True:
            agents = self.rng.random() < 0.15
            query = DiscoverQuery(
                DiscoverTarget.AGENT if agents else self.one((None, DiscoverTarget.ENDPOINT)),
                Requirements(**self.requirements(OF_AGENTS if agents else OF_ENDPOINTS)),
                self.maybe(self.one(tuple(Preference)), 0.5),
            )
            if not validate_query(query, path="query"):
                return query

    def requirements(self, names):
        fields = {name: REQUIRED[name](self) for name in self.some(sorted(names), 3)}
        if self.rng.random() < 0.7:
            lenient = {"credential": CredentialRequirement.ANY, "health": HealthRequirement.ANY}
            fields = lenient | {"lifecycle_stages": tuple(LifecycleStage)} | fields
        if self.rng.random() < 0.3:
            fields["allow_unknown"] = self.some((*MAY_BE_UNKNOWN, "*"), 4)
        return fields


def _of(*values):
    return lambda many: many.one(values)


def _some_of(*values):
    return lambda many: many.some(values) or (values[0],)


REQUIRED = {
    "task": _of(*TASKS, "code-generation", "vision", "chat"),
    "all_capabilities": _some_of(*CAPABILITIES),
    "any_capabilities": _some_of(*CAPABILITIES),
    "input_modalities": _some_of(*MODALITIES),
    "output_modalities": _some_of(*MODALITIES),
    "min_context_tokens": _of(*TOKENS),
    "min_output_tokens": _of(*TOKENS),
    "min_input_tokens": _of(*TOKENS),
    "max_cost_nanos": _of(*NANOS),
    "max_price_per_million_nanos": _of(*NANOS),
    "usage": _of(TokenMix(1_000, 100), TokenMix(10_000, 0, 5_000), TokenMix(0, 7), TokenMix(0, 0, 1)),
    "max_time_to_first_token": _of(*SECONDS),
    "max_duration": _of(*SECONDS, 5_000.0),
    "min_tokens_per_second": _of(*SPEEDS),
    "min_reliability": _of(*SHARES),
    "regions": _some_of(*REGIONS, "eu-*", "us*"),
    "providers": _some_of(*PROVIDERS),
    "excluded_providers": _some_of(*PROVIDERS, "none"),
    "models": _some_of("models/m1", "models/m2", "b", "best", "Org/A", "acme/Org/B", "nobody", "small"),
    "labels": lambda many: many.labels() or {"team": "a"},
    "no_training": _of(True, True, False),
    "max_retention": _of(*SECONDS),
    "lifecycle_stages": _some_of(*LifecycleStage),
    "health": _of(*HealthRequirement),
    "credential": _of(*CredentialRequirement),
    "quantizations": _some_of("fp8", "int4", "q4"),
    "dialects": _some_of("x", "y"),
    "families": _some_of("f", "g"),
    "version": _of("1", "2"),
    "skills": _some_of("plan", "text", "write"),
    "filter": lambda many: expression(many.rng),
}
OF_ENDPOINTS = REQUIRED.keys() - {"skills"}
OF_AGENTS = REQUIRED.keys() - {
    "task",
    "min_context_tokens",
    "min_output_tokens",
    "min_input_tokens",
    "dialects",
    "quantizations",
    "families",
}
