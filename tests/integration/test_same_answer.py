"""Registry, gateway and embedded SDK give the same order and the same explanation for the same revision, epoch and moment."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airegistry._convert import from_pb, to_pb
from airegistry.cache import Cache
from airegistry.discovery.answers import Candidate, ExclusionReason
from airegistry.discovery.index import Index
from airegistry.discovery.naming import NameTable, parent_of
from airegistry.errors import InvalidArgumentError
from airegistry.expressions.expression import compile_expression
from airegistry.invocations.invocation import Invocation
from airegistry.invoke.credentials import Credentials
from airegistry.invoke.engine import Engine
from airegistry.invoke.transport import open_transport
from airegistry.observations.performance import Performance
from airegistry.resources.endpoint import Communication, RateLimits
from airegistry.resources.resource import Health, Resource, ResourceStatus
from airegistry.resources.route import Route, RouteTarget, RouteTier
from airegistry.v1 import gateway_service_pb2, observation_pb2, registry_service_pb2, resource_pb2
from gateway.rpc.invocations import Invocations
from registry.catalog import Catalog
from registry.entry import Entry
from registry.rpc.discoveries import Discoveries
from registry.store.records import Contents, Logged
from registry.store.sqlite import SqliteStore
from tests.registries import NAMES, NOW, RESOURCE, everything_measured, performances, queries, registries

# An example is a whole registry, three times.
FEWER = settings(max_examples=max(1, settings().max_examples // 2))
SPOKEN = {"x": "openai.chat", "y": "anthropic.messages"}
ROUTE = "routes/found"
# Who calls, and for how long, does not matter here.
NOBODY: Any = None
# What a gateway looks at itself; before those whose weight is 0, it cuts those whose dialect it does not speak.
LOCAL = {
    ExclusionReason.LIFECYCLE,
    ExclusionReason.HEALTH,
    ExclusionReason.CREDENTIAL,
    ExclusionReason.DIALECT,
    ExclusionReason.LIMIT,
    ExclusionReason.WEIGHT,
}


def spoken(resource):
    """Let an endpoint have a dialect that exists, and most of them be such as can be called."""
    endpoint = resource.endpoint
    if endpoint is None:
        return resource
    said = endpoint.communication or Communication()
    dialect = SPOKEN.get(said.dialect, "")
    if endpoint.region == "us":
        endpoint = replace(endpoint, communication=replace(said, dialect=dialect))
    else:
        said = replace(said, dialect=dialect or "openai.chat")
        weight, limits = endpoint.weight or None, endpoint.rate_limits or RateLimits()
        endpoint = replace(
            endpoint,
            address="https://a",
            communication=said,
            credential="TEST_API_KEY",
            weight=weight,
            rate_limits=replace(limits, requests_per_minute=limits.requests_per_minute and 60, tokens_per_minute=None),
        )
    health = resource.status and resource.status.health
    status = ResourceStatus(health=Health.DEGRADED if health is Health.DEGRADED else None)
    return replace(resource, endpoint=endpoint, status=status if endpoint.quantization else resource.status)


def meant(query):
    asked = query.requirements
    if asked is None:
        return query
    return replace(query, requirements=replace(asked, dialects=tuple(SPOKEN[each] for each in asked.dialects)))


def over_the_wire(value, message):
    """Return what a watcher gets of a value."""
    return from_pb(type(value), message.FromString(to_pb(value, message).SerializeToString()))


class Planes:
    """The three of them, with one clock."""

    def __init__(self, run, store, transport):
        self._run, self._store = run, store
        self.time = NOW
        self.cache = Cache(lambda: self.time, compile_filter=compile_expression)
        self.cache.heard(0)
        keys = Credentials(directory=None, environment={"TEST_API_KEY": "secret"}, now=lambda: 0.0)
        engine = Engine(self.cache, transport, keys, now=lambda: 0.0, clock=lambda: self.time)
        self.gateway = Invocations(engine)
        self._published = 0

    def show(self, resources, measured):
        """Let all three know a registry and what was measured: the gateway by its changes, the others anew."""
        self._published += 1
        revision, epoch = self._published, self._published + 7
        entries = [_entry(resource, revision) for resource in resources]
        self.catalog = Catalog(
            self._store,
            Contents(revision, revision, tuple(entries), ()),
            index=Index(lambda: self.time, compile_expression),
            names=NameTable(),
        )
        self.catalog.index.observe(measured, epoch)
        self.registry = Discoveries(self.catalog, lambda: self.time.timestamp())  # noqa: PLW0108 - the time moves
        self.embedded = Index(lambda: self.time, compile_expression)
        self.embedded.observe(measured, epoch)
        self.embedded.replace(resources, revision)
        self.cache.replace([over_the_wire(each, resource_pb2.Resource) for each in resources], revision)
        told = [over_the_wire(each, observation_pb2.Performance) for each in measured]
        self.cache.observe(told, epoch, snapshot=True)

    def change(self, puts, removed, told):
        """Let all three know what changed."""
        self._published += 1
        revision, epoch = self._published, self._published + 7
        entries = dict.fromkeys(removed) | {each.name: _entry(each, revision) for each in puts}
        self.catalog._view.publish(Logged(revision, 0.0, entries))
        self.catalog.index.observe(told, epoch)
        self.embedded.apply(puts, removed, revision)
        self.embedded.observe(told, epoch)
        self.cache.apply([over_the_wire(each, resource_pb2.Resource) for each in puts], removed, revision)
        self.cache.observe([over_the_wire(each, observation_pb2.Performance) for each in told], epoch)

    def discover(self, query):
        request = registry_service_pb2.DiscoverRequest(limit=100, name_excluded=True)
        request.query.CopyFrom(to_pb(query, type(request.query)))
        answer = self._run(self.registry.discover(request.SerializeToString(), NOBODY))
        return registry_service_pb2.DiscoverResponse.FromString(answer.joined())

    def explain(self, **asked):
        request = gateway_service_pb2.ExplainRequest()
        request.invocation.CopyFrom(to_pb(Invocation(**asked), type(request.invocation)))
        return self._run(self.gateway.explain(request, NOBODY))


def _entry(resource, revision):
    body = to_pb(replace(resource, revision=0), resource_pb2.Resource).SerializeToString()
    return Entry(name=resource.name, kind=resource.kind, revision=revision, body=body)


@pytest.fixture(scope="module")
def planes(tmp_path_factory):
    with asyncio.Runner() as runner:
        store = SqliteStore(tmp_path_factory.mktemp("data"), now=lambda: 0.0)
        lent = open_transport()
        transport = runner.run(lent.__aenter__())
        yield Planes(runner.run, store, transport)
        runner.run(lent.__aexit__(None, None, None))
        runner.run(store.close())


def counts(exclusions):
    return Counter({ExclusionReason(each.reason): each.count for each in exclusions})


def refusal_of(ask):
    """Return what is said against a query; None when it is answered."""
    try:
        ask()
    except InvalidArgumentError as error:
        return [each.description for each in error.violations]
    return None


def check_sameness(planes, query):
    refused = refusal_of(lambda: planes.discover(query))
    if refused is not None:
        assert refusal_of(lambda: planes.embedded.discover(query)) == refused
        assert refusal_of(lambda: planes.explain(query=query)) == refused
        return
    registry = planes.discover(query)
    embedded = planes.embedded.discover(query, limit=100, name_excluded=True)
    assert registry.revision == embedded.revision
    assert registry.observation_epoch == embedded.observation_epoch
    assert registry.matched_count == embedded.matched_count
    found = [(each.resource.name, from_pb(Candidate, each)) for each in registry.candidates]
    assert [(name, each.score, each.cost_nanos, each.invocable) for name, each in found] == [
        (each.name, each.score, each.cost_nanos, each.invocable) for each in embedded.candidates
    ]
    assert [(each.reason, each.count, tuple(each.names)) for each in registry.exclusions] == [
        (each.reason, each.count, each.names) for each in embedded.exclusions
    ]
    check_gateway(registry, planes.explain(query=query))
    check_gateway(registry, planes.explain(model="found"))


def check_gateway(registry, explained):
    """Check that a gateway asks in the order of the registry, but for those whom it cannot ask itself."""
    assert (explained.revision, explained.observation_epoch) == (registry.revision, registry.observation_epoch)
    asked = [each.candidate for each in explained.candidates]
    names = {each.resource.name for each in asked}
    there = [each for each in registry.candidates if each.resource.name in names]
    # Who is degraded is asked after the others.
    there.sort(key=lambda each: each.resource.status.health == resource_pb2.HEALTH_DEGRADED)
    assert [each.resource.name for each in asked] == [each.resource.name for each in there]
    assert [(each.score, each.cost_nanos) for each in asked] == [(each.score, each.cost_nanos) for each in there]
    assert [each.model.name for each in asked] == [each.model.name for each in there]
    more = counts(explained.exclusions)
    more.subtract(counts(registry.exclusions))
    left_out = {each.resource.name for each in registry.candidates} - names
    assert {reason: count for reason, count in more.items() if count and reason not in LOCAL} == {}
    assert more[ExclusionReason.WEIGHT] <= 0
    assert sum(more.values()) == len(left_out)
    assert left_out <= {name for each in explained.exclusions for name in each.names}


def whole(resources):
    """Leave out endpoints whose model is not there: no registry has such."""
    names = {each.name for each in resources}
    return [each for each in resources if each.endpoint is None or parent_of(each.name) in names]


def with_route(resources, query):
    found = Route(tiers=(RouteTier((RouteTarget(query=query),)),))
    return [*map(spoken, whole(resources)), Resource(name=ROUTE, route=found)]


@FEWER
@given(registries(), everything_measured(), queries())
def test_all_three_give_the_same_order_and_explanation(planes, resources, measured, query):
    query = meant(query)
    planes.time = NOW
    planes.show(with_route(resources, query), measured)
    check_sameness(planes, query)


HISTORIES = st.tuples(
    st.lists(RESOURCE | performances(), max_size=4),
    st.sets(st.sampled_from(NAMES), max_size=3),
    st.sampled_from([1, 61, 300, 1_800, 7_200, 90_000]),
)


@FEWER
@given(registries(), everything_measured(), HISTORIES, queries())
def test_all_three_stay_the_same_through_changes_deletions_and_time(planes, resources, measured, history, query):
    (changes, gone, seconds), query = history, meant(query)
    planes.time = NOW
    planes.show(with_route(resources, query), measured)
    check_sameness(planes, query)
    before = {each.name: each for each in with_route(resources, query)}
    puts = {each.name: spoken(each) for each in changes if isinstance(each, Resource)}
    after = {each.name: each for each in whole((before | puts).values()) if each.name not in gone}
    after = {each.name: each for each in whole(after.values())}
    told = [each for each in changes if isinstance(each, Performance)]
    planes.change([after[name] for name in puts if name in after], sorted(before.keys() - after.keys()), told)
    check_sameness(planes, query)
    planes.time += timedelta(seconds=seconds)
    check_sameness(planes, query)
