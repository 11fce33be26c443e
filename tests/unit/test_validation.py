import math
import time
from dataclasses import replace
from typing import Any

import pytest

from airegistry.resources.agent import Agent, AgentInterface, AgentProvider, AgentSkill
from airegistry.resources.endpoint import (
    Auth,
    AuthMethod,
    Communication,
    CustomFormat,
    DataPolicy,
    DeclaredPerformance,
    Endpoint,
    Probing,
    RateLimits,
)
from airegistry.resources.model import Benchmark, Capability, Lifecycle, Model, ModelLimits
from airegistry.resources.prices import DailyWindow, Price, PriceBucket, PriceList, PriceSchedule, PriceTier
from airegistry.resources.provenance import FactSource, Provenance
from airegistry.resources.requirements import DiscoverQuery, Preference, Requirements, ScoreWeights, TokenMix
from airegistry.resources.resource import Resource, ResourceStatus
from airegistry.resources.route import (
    RequestOverrides,
    Route,
    RouteFallback,
    RoutePolicy,
    RouteTarget,
    RouteTier,
    Split,
    SplitArm,
)
from airegistry.resources.validation import validate, validate_labels, validate_policy, validate_query

INPUT, OUTPUT = PriceBucket.INPUT_TOKENS, PriceBucket.OUTPUT_TOKENS
ENDPOINT = Endpoint(
    provider="openai", address="https://api.openai.com/v1", upstream_model="gpt-4o", credential="OPENAI_API_KEY"
)
TARGET = RouteTarget(model="models/gpt-4o")
ROUTE = Route(tiers=(RouteTier((TARGET,)),))


def model(**fields: Any) -> Resource:
    return Resource(name="models/gpt-4o", model=Model(**fields))


def endpoint(**fields: Any) -> Resource:
    return Resource(name="models/gpt-4o/endpoints/openai", endpoint=replace(ENDPOINT, **fields))


def communicating(**fields: Any) -> Resource:
    return endpoint(communication=Communication(**fields))


def priced(*prices: Price, **fields: Any) -> Resource:
    return endpoint(prices=PriceList((PriceSchedule(prices, **fields),)))


def agent(**fields: Any) -> Resource:
    return Resource(name="agents/writer", agent=Agent(**fields))


def route(**fields: Any) -> Resource:
    return Resource(name="routes/chat", route=replace(ROUTE, **fields))


def target(**fields: Any) -> Resource:
    return route(tiers=(RouteTier((RouteTarget(**fields),)),))


def asking(**fields: Any) -> Resource:
    return target(query=DiscoverQuery(requirements=Requirements(**fields)))


VALID = {
    "bare-model": model(),
    "full-model": model(
        description="d" * 8192,
        original_ids=("meta-llama/Llama-3.1-8B",),
        aliases=("4o",),
        capabilities={"tools": Capability(supported=False), "code": Capability(level=5)},
        limits=ModelLimits(context_tokens=0, max_images=3),
        lifecycle=Lifecycle(replacement="routes/chat"),
        benchmarks=(Benchmark("mmlu", -1.5, 100.0),),
        provenance=Provenance("genai-prices", digest=f"sha256:{'0f' * 32}"),
        fact_sources=(FactSource(("tasks",), inferred=True), FactSource(("license",), Provenance("a person"))),
    ),
    "endpoint": endpoint(weight=0, priority=100, rate_limits=RateLimits(0, 0, 0)),
    "endpoint-without-address": endpoint(address="", credential=""),
    "grpc-endpoint": endpoint(address="grpc://[::1]:8001", probing=Probing(interval=0.5)),
    "headers": communicating(
        headers={"x-tenant": "a b", "openai-organization": "o"},
        auth=Auth(AuthMethod.HEADER, "X-Api-Key"),
        path="/openai?api-version=1",
    ),
    "free-and-unknown": priced(Price(INPUT, 0, (PriceTier(0, 1), PriceTier(200_000, 2))), Price(OUTPUT)),
    "window-over-midnight": priced(daily_window=DailyWindow(86399, 86400)),
    "agent": agent(
        interfaces=(AgentInterface("https://a.example/rpc?tenant=1", "JSONRPC"),),
        skills=(AgentSkill("write", "Write"),),
        models=("models/gpt-4o",),
    ),
    "route": route(
        aliases=("default",),
        policy=RoutePolicy(max_attempts=16, hold_back_duration=0.0, hedge_delay=0.2),
        fallbacks=(RouteFallback(target="routes/other"),),
        split=Split((SplitArm("canary", 1_000_000, "models/new"),), "label:team"),
    ),
    "query-target": asking(all_capabilities=("tools",), max_retention=0.0, allow_unknown=("*", "regions"), task="x"),
    "output-only-fields-are-not-looked-at": replace(model(), status=ResourceStatus(lease_ttl=math.nan), revision=-1),
}

MANY = tuple(f"x{i}" for i in range(1000))
INVALID = {
    "no-name": (Resource(model=Model()), "name"),
    "name-of-another-kind": (Resource(name="models/gpt-4o", agent=Agent()), "name"),
    "bad-id": (Resource(name="models/Llama", model=Model()), "name"),
    "no-spec": (Resource(name="models/gpt-4o"), "spec"),
    "two-specs": (Resource(name="models/gpt-4o", model=Model(), route=ROUTE), "spec"),
    "label-key": (replace(model(), labels={"Team": "a"}), "labels[Team]"),
    "label-key-too-long": (replace(model(), labels={"k" * 64: "a"}), f"labels[{'k' * 64}]"),
    "label-value": (replace(model(), labels={"team": "ü" * 129}), "labels[team]"),
    "labels": (replace(model(), labels=dict.fromkeys(MANY[:65], "")), "labels"),
    "description": (model(description="ü" * 4097), "model.description"),
    "original-ids": (model(original_ids=MANY[:33]), "model.original_ids"),
    "empty-original-id": (model(original_ids=("a", "")), "model.original_ids[1]"),
    "aliases": (model(aliases=MANY[:33]), "model.aliases"),
    "alias": (model(aliases=("a", "B")), "model.aliases[1]"),
    "tasks": (model(tasks=MANY[:17]), "model.tasks"),
    "capabilities": (
        model(capabilities=dict.fromkeys(MANY[:65], Capability(supported=True))),
        "model.capabilities",
    ),
    "empty-capability": (model(capabilities={"a": Capability()}), "model.capabilities[a]"),
    "double-capability": (model(capabilities={"a": Capability(True, 3)}), "model.capabilities[a]"),
    "level-0": (model(capabilities={"a": Capability(level=0)}), "model.capabilities[a].level"),
    "level-6": (model(capabilities={"a": Capability(level=6)}), "model.capabilities[a].level"),
    "negative-limit": (model(limits=ModelLimits(context_tokens=-1)), "model.limits.context_tokens"),
    "limit-too-large-for-the-wire": (model(limits=ModelLimits(max_images=2**31)), "model.limits.max_images"),
    "replacement": (model(lifecycle=Lifecycle(replacement="gpt-5")), "model.lifecycle.replacement"),
    "replacement-kind": (model(lifecycle=Lifecycle(replacement="agents/a")), "model.lifecycle.replacement"),
    "benchmarks": (model(benchmarks=(Benchmark("b"),) * 65), "model.benchmarks"),
    "benchmark-name": (model(benchmarks=(Benchmark(),)), "model.benchmarks[0].name"),
    "benchmark-score": (model(benchmarks=(Benchmark("b", math.inf),)), "model.benchmarks[0].score"),
    "benchmark-max": (model(benchmarks=(Benchmark("b", 0, 0.0),)), "model.benchmarks[0].max_score"),
    "parameters": (model(parameter_count=-1), "model.parameter_count"),
    "provenance": (model(provenance=Provenance()), "model.provenance.source"),
    "digest": (model(provenance=Provenance("x", digest="sha256:0f")), "model.provenance.digest"),
    "fact-sources": (model(fact_sources=tuple(FactSource((name,)) for name in MANY[:33])), "model.fact_sources"),
    "source-of-no-fact": (model(fact_sources=(FactSource(),)), "model.fact_sources[0].fields"),
    "fact-without-a-name": (model(fact_sources=(FactSource(("",)),)), "model.fact_sources[0].fields[0]"),
    "fact-with-two-sources": (
        endpoint(fact_sources=(FactSource(("limits",)), FactSource(("prices", "limits")))),
        "endpoint.fact_sources[1].fields[1]",
    ),
    "fact-source": (
        model(fact_sources=(FactSource(("tasks",), Provenance()),)),
        "model.fact_sources[0].provenance.source",
    ),
    "provider": (endpoint(provider="OpenAI"), "endpoint.provider"),
    "no-provider": (endpoint(provider=""), "endpoint.provider"),
    "no-upstream-model": (endpoint(upstream_model=""), "endpoint.upstream_model"),
    "credential-value": (endpoint(credential="sk proj"), "endpoint.credential"),
    "credential-too-long": (endpoint(credential="a" * 129), "endpoint.credential"),
    "weight": (endpoint(weight=1_000_001), "endpoint.weight"),
    "negative-weight": (endpoint(weight=-1), "endpoint.weight"),
    "priority": (endpoint(priority=101), "endpoint.priority"),
    "rate-limit": (
        endpoint(rate_limits=RateLimits(tokens_per_minute=-1)),
        "endpoint.rate_limits.tokens_per_minute",
    ),
    "retention": (endpoint(data_policy=DataPolicy(retention=-1.0)), "endpoint.data_policy.retention"),
    "nan-ttft": (
        endpoint(declared=DeclaredPerformance(time_to_first_token=math.nan)),
        "endpoint.declared.time_to_first_token",
    ),
    "zero-speed": (
        endpoint(declared=DeclaredPerformance(tokens_per_second=0.0)),
        "endpoint.declared.tokens_per_second",
    ),
    "nan-speed": (
        endpoint(declared=DeclaredPerformance(tokens_per_second=math.nan)),
        "endpoint.declared.tokens_per_second",
    ),
    "reliability": (endpoint(declared=DeclaredPerformance(reliability=1.1)), "endpoint.declared.reliability"),
    "probe-interval": (endpoint(probing=Probing(interval=0.0)), "endpoint.probing.interval"),
    "endpoint-limits": (endpoint(limits=ModelLimits(max_output_tokens=-5)), "endpoint.limits.max_output_tokens"),
    "endpoint-capability": (endpoint(capabilities={"a": Capability()}), "endpoint.capabilities[a]"),
    "headers": (communicating(headers=dict.fromkeys(MANY[:33], "")), "endpoint.communication.headers"),
    "upper-case-header": (communicating(headers={"X-A": ""}), "endpoint.communication.headers[X-A]"),
    "header-value": (communicating(headers={"x-a": "a\r\nb: c"}), "endpoint.communication.headers[x-a]"),
    "header-parameter": (
        communicating(auth=Auth(AuthMethod.HEADER)),
        "endpoint.communication.auth.parameter",
    ),
    "header-that-frames": (
        communicating(auth=Auth(AuthMethod.HEADER, "Content-Length")),
        "endpoint.communication.auth.parameter",
    ),
    "stray-parameter": (communicating(auth=Auth(None, "x-key")), "endpoint.communication.auth.parameter"),
    "path-changes-the-host": (communicating(path="@evil.example/"), "endpoint.communication.path"),
    "custom-format": (communicating(dialect="openai.chat", custom=CustomFormat()), "endpoint.communication.custom"),
    "negative-price": (priced(Price(INPUT, -1)), "endpoint.prices.schedules[0].prices[0].nanos"),
    "no-bucket": (priced(Price(nanos=1)), "endpoint.prices.schedules[0].prices[0].bucket"),
    "bucket-twice": (priced(Price(INPUT, 1), Price(INPUT, 2)), "endpoint.prices.schedules[0].prices[1].bucket"),
    "price-too-large": (priced(Price(INPUT, 2**63)), "endpoint.prices.schedules[0].prices[0].nanos"),
    "negative-tier": (
        priced(Price(INPUT, 1, (PriceTier(5, -1),))),
        "endpoint.prices.schedules[0].prices[0].tiers[0].nanos",
    ),
    "tiers-not-ascending": (
        priced(Price(INPUT, 1, (PriceTier(5, 1), PriceTier(5, 2)))),
        "endpoint.prices.schedules[0].prices[0].tiers[1].above",
    ),
    "window": (priced(daily_window=DailyWindow(86400, 0)), "endpoint.prices.schedules[0].daily_window.start_second"),
    "schedules": (endpoint(prices=PriceList((PriceSchedule(),) * 65)), "endpoint.prices.schedules"),
    "organization": (agent(provider=AgentProvider(url="https://x.example")), "agent.provider.organization"),
    "interfaces": (agent(interfaces=(AgentInterface("http://a", "GRPC"),) * 17), "agent.interfaces"),
    "interface-url": (agent(interfaces=(AgentInterface("a.example", "GRPC"),)), "agent.interfaces[0].url"),
    "binding": (agent(interfaces=(AgentInterface("http://a"),)), "agent.interfaces[0].protocol_binding"),
    "skills": (agent(skills=tuple(AgentSkill(f"s{i}", "s") for i in range(129))), "agent.skills"),
    "skill-twice": (agent(skills=(AgentSkill("a", "A"), AgentSkill("a", "B"))), "agent.skills[1].id"),
    "skill-name": (agent(skills=(AgentSkill("a"),)), "agent.skills[0].name"),
    "skill-tags": (agent(skills=(AgentSkill("a", "A", tags=MANY[:33]),)), "agent.skills[0].tags"),
    "modes": (agent(default_input_modes=MANY[:33]), "agent.default_input_modes"),
    "agent-model": (agent(models=("models/a", "routes/b")), "agent.models[1]"),
    "tasks-at-once": (agent(max_concurrent_tasks=-1), "agent.max_concurrent_tasks"),
    "no-tiers": (route(tiers=()), "route.tiers"),
    "empty-tier": (route(tiers=(RouteTier(),)), "route.tiers[0].targets"),
    "tiers": (route(tiers=(RouteTier((TARGET,)),) * 17), "route.tiers"),
    "targets": (route(tiers=(RouteTier((TARGET,) * 65),)), "route.tiers[0].targets"),
    "no-target": (target(weight=1), "route.tiers[0].targets[0]"),
    "two-targets": (target(model="models/a", query=DiscoverQuery()), "route.tiers[0].targets[0]"),
    "target-of-another-kind": (target(model="routes/a"), "route.tiers[0].targets[0].model"),
    "endpoint-target": (target(endpoint="models/a"), "route.tiers[0].targets[0].endpoint"),
    "target-weight": (target(model="models/a", weight=-1), "route.tiers[0].targets[0].weight"),
    "nan-temperature": (
        target(model="models/a", overrides=RequestOverrides(temperature=math.nan)),
        "route.tiers[0].targets[0].overrides.temperature",
    ),
    "query-in-a-route": (
        asking(min_reliability=2.0),
        "route.tiers[0].targets[0].query.requirements.min_reliability",
    ),
    "unknown-requirement": (
        asking(allow_unknown=("colour",)),
        "route.tiers[0].targets[0].query.requirements.allow_unknown[0]",
    ),
    "attempts": (route(policy=RoutePolicy(max_attempts=0)), "route.policy.max_attempts"),
    "zero-timeout": (route(policy=RoutePolicy(idle_timeout=0.0)), "route.policy.idle_timeout"),
    "endless-timeout": (route(policy=RoutePolicy(total_timeout=math.inf)), "route.policy.total_timeout"),
    "hold-back": (route(policy=RoutePolicy(hold_back_tokens=-1)), "route.policy.hold_back_tokens"),
    "fallbacks": (route(fallbacks=(RouteFallback(target="routes/a"),) * 17), "route.fallbacks"),
    "fallback-target": (route(fallbacks=(RouteFallback(),)), "route.fallbacks[0].target"),
    "no-arms": (route(split=Split()), "route.split.arms"),
    "shares": (
        route(split=Split((SplitArm("a", 600_000, "routes/a"), SplitArm("b", 600_000, "routes/b")))),
        "route.split.arms",
    ),
    "share": (route(split=Split((SplitArm("a", -1, "routes/a"),))), "route.split.arms[0].share_ppm"),
    "arm-name": (route(split=Split((SplitArm("A", 1, "routes/a"),))), "route.split.arms[0].name"),
    "sticky-by": (
        route(split=Split((SplitArm("a", 1, "routes/a"),), "label:Team")),
        "route.split.sticky_by",
    ),
}


@pytest.mark.parametrize("resource", VALID.values(), ids=VALID.keys())
def test_what_keeps_the_rules_has_no_violations(resource):
    assert validate(resource, path="resources[0]") == []


@pytest.mark.parametrize(("resource", "path"), INVALID.values(), ids=INVALID.keys())
def test_a_broken_rule_is_reported_once_at_its_exact_path(resource, path):
    assert [violation.field for violation in validate(resource, path="resources[3]")] == [f"resources[3].{path}"]


def test_without_a_path_fields_are_named_from_the_resource_on():
    assert [v.field for v in validate(Resource(), path="")] == ["name", "spec"]


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("api.openai.com/v1", id="relative"),
        pytest.param("ftp://a.example", id="scheme"),
        pytest.param("https:///v1", id="no-host"),
        pytest.param("https://user:s3cr3t@a.example", id="userinfo"),
        pytest.param("https://@a.example", id="empty-userinfo"),
        pytest.param("https://a.example?key=s3cr3t", id="query"),
        pytest.param("https://a.example/?", id="empty-query"),
        pytest.param("https://a.example#s3cr3t", id="fragment"),
        pytest.param("https://a.example:99999", id="port"),
        pytest.param("https://[::1", id="bracket"),
        pytest.param("https://a.exa\nmple", id="newline"),
        pytest.param("https://a.example\\@b.example", id="backslash"),
        pytest.param("https://a example", id="space"),
    ],
)
def test_an_address_that_is_not_a_plain_url_is_refused_without_repeating_it(address):
    (violation,) = validate(endpoint(address=address), path="r")
    assert violation.field == "r.endpoint.address"
    assert "s3cr3t" not in violation.description


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "cookie", "connection", "transfer-encoding", "host"])
def test_headers_that_carry_secrets_or_belong_to_the_connection_are_refused(name):
    (violation,) = validate(communicating(headers={name: "s3cr3t"}), path="r")
    assert violation.field == f"r.endpoint.communication.headers[{name}]"
    assert "s3cr3t" not in violation.description


def test_a_list_that_is_far_too_long_gives_one_short_violation():
    started = time.monotonic()
    (violation,) = validate(model(aliases=("NOT AN ID",) * 1_000_000), path="r")
    assert violation.description == "must have at most 32 entries, has 1000000"
    assert time.monotonic() - started < 1


def test_an_overlong_key_is_cut_in_the_path():
    (violation,) = validate(replace(model(), labels={"K" * 10_000: ""}), path="r")
    assert len(violation.field) < 100


@pytest.mark.parametrize(
    ("query", "path"),
    [
        pytest.param(DiscoverQuery(weights=ScoreWeights()), "weights", id="all-zero"),
        pytest.param(DiscoverQuery(weights=ScoreWeights(cost=math.nan)), "weights.cost", id="nan"),
        pytest.param(DiscoverQuery(weights=ScoreWeights(load=-1, cost=1)), "weights.load", id="negative"),
        pytest.param(
            DiscoverQuery(preference=Preference.CHEAPEST, weights=ScoreWeights(1)), "weights", id="with-preference"
        ),
        pytest.param(
            DiscoverQuery(requirements=Requirements(usage=TokenMix(input_tokens=-1))),
            "requirements.usage.input_tokens",
            id="mix",
        ),
        pytest.param(
            DiscoverQuery(requirements=Requirements(min_tokens_per_second=math.inf)),
            "requirements.min_tokens_per_second",
            id="speed",
        ),
        pytest.param(
            DiscoverQuery(requirements=Requirements(max_duration=-1.0)), "requirements.max_duration", id="duration"
        ),
        pytest.param(DiscoverQuery(requirements=Requirements(models=MANY[:65])), "requirements.models", id="models"),
        pytest.param(DiscoverQuery(requirements=Requirements(labels={"A": ""})), "requirements.labels[A]", id="labels"),
        pytest.param(
            DiscoverQuery(requirements=Requirements(max_cost_nanos=-1)), "requirements.max_cost_nanos", id="cost"
        ),
    ],
)
def test_a_query_by_itself_is_checked_too(query, path):
    assert [violation.field for violation in validate_query(query, path="query")] == [f"query.{path}"]


def test_a_policy_and_labels_by_themselves_are_checked_too():
    policy = RoutePolicy(connect_timeout=-1.0)
    assert [v.field for v in validate_policy(policy, path="invocation.policy")] == ["invocation.policy.connect_timeout"]
    assert [v.field for v in validate_labels(dict.fromkeys(MANY[:33], ""), path="labels")] == ["labels"]
