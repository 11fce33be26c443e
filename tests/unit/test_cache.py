from dataclasses import replace
from datetime import UTC, datetime

import pytest

from airegistry.cache import Cache, CacheChange
from airegistry.resources.agent import Agent
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Model
from airegistry.resources.requirements import DiscoverQuery
from airegistry.resources.resource import Resource, ResourceKind

A = Resource(name="models/a", revision=1, model=Model(aliases=("alpha",)))
B = Resource(name="models/b", revision=2, model=Model())
AGENT = Resource(name="agents/x", revision=3, agent=Agent())


def endpoint(name, **fields):
    value = Endpoint(
        provider="p",
        address="http://h",
        upstream_model="u",
        credential="K",
        communication=Communication(dialect="openai.chat"),
    )
    return Resource(name=name, revision=1, endpoint=replace(value, **fields))


ONE, TWO = endpoint("models/a/endpoints/one"), endpoint("models/a/endpoints/two")


@pytest.fixture
def cache():
    cache = Cache(lambda: datetime(2026, 1, 1, tzinfo=UTC), stale_after=30)
    cache.replace([A, TWO, ONE], 10)
    return cache


def names(cache, kind=None):
    return [resource.name for resource in cache.resources(kind)]


def candidates(cache):
    return [ranked.name for ranked in cache.index.discover(DiscoverQuery()).candidates]


def follow(cache) -> list[CacheChange]:
    changes: list[CacheChange] = []
    cache.on_change(changes.append)
    return changes


def test_it_shows_what_it_was_given(cache):
    assert cache.revision == 10
    assert len(cache) == 3
    assert cache.get("models/a") is A
    assert cache.get("models/b") is None
    assert names(cache) == ["models/a", "models/a/endpoints/one", "models/a/endpoints/two"]
    assert names(cache, ResourceKind.MODEL) == ["models/a"]


def test_endpoints_are_found_by_their_model_in_the_order_of_names(cache):
    assert cache.endpoints_of("models/a") == (ONE, TWO)
    assert cache.endpoints_of("models/b") == ()


def test_a_change_moves_resources_endpoints_index_and_names_together(cache):
    cache.apply([B, endpoint("models/b/endpoints/z")], ["models/a/endpoints/one"], 11)
    assert cache.revision == cache.index.revision == 11
    assert cache.endpoints_of("models/a") == (TWO,)
    assert candidates(cache) == ["models/a/endpoints/two", "models/b/endpoints/z"]
    assert cache.names.resolve("b") == ("models/b",)


def test_what_was_seen_already_changes_nothing(cache):
    changes = follow(cache)
    cache.apply([], ["models/a"], 10)
    cache.apply([B], ["models/a"], 9)
    assert cache.get("models/a") is A
    assert changes == []


def test_removing_what_is_not_there_is_harmless(cache):
    changes = follow(cache)
    cache.apply([], ["models/nowhere", "models/b/endpoints/z"], 11)
    assert (cache.revision, changes) == (11, [])


def test_a_resync_tells_only_what_differs(cache):
    changes = follow(cache)
    changed = endpoint("models/a/endpoints/one", weight=5)
    cache.replace([A, changed, B], 50)
    assert changes == [CacheChange(50, (changed, B), ("models/a/endpoints/two",))]
    assert names(cache) == ["models/a", "models/a/endpoints/one", "models/b"]
    assert cache.endpoints_of("models/a") == (changed,)
    assert candidates(cache) == ["models/a/endpoints/one"]


def test_nobody_ever_sees_the_view_empty(cache):
    seen = []
    cache.on_change(lambda _: seen.append((len(cache), cache.endpoints_of("models/a"), candidates(cache))))
    cache.replace([A, ONE, AGENT], 11)
    assert seen == [(3, (ONE,), ["models/a/endpoints/one"])]


def test_a_resync_from_another_store_may_go_back(cache):
    cache.replace([B], 2)
    assert (cache.revision, cache.index.revision, names(cache)) == (2, 2, ["models/b"])
    cache.apply([A], [], 3)
    assert names(cache) == ["models/a", "models/b"]


def test_an_identical_resync_moves_only_the_revision(cache):
    changes = follow(cache)
    cache.replace([replace(A), replace(ONE), replace(TWO)], 12)
    assert (cache.revision, cache.index.revision, changes) == (12, 12, [])


def test_a_kind_that_is_not_known_is_skipped_and_the_revision_advances(cache):
    cache.apply([Resource(name="gadgets/x", revision=11)], [], 11)
    assert (cache.revision, cache.get("gadgets/x")) == (11, None)
    cache.replace([A, Resource(name="gadgets/x")], 12)
    assert names(cache) == ["models/a"]


def test_it_is_stale_until_the_registry_was_heard_of_and_again_after_silence(cache):
    assert cache.stale(at=100.0)
    assert cache.silence(at=100.0) is None
    cache.heard(at=100.0)
    assert not cache.stale(at=130.0)
    assert cache.stale(at=130.1)
    assert cache.silence(at=104.0) == 4.0
    cache.heard(at=131.0)
    assert not cache.stale(at=131.0)


def test_a_listener_that_fails_stops_neither_the_others_nor_the_view(cache, caplog):
    def fail(change):
        raise RuntimeError("bug")

    cache.on_change(fail)
    changes = follow(cache)
    cache.apply([B], [], 11)
    assert (cache.revision, len(changes)) == (11, 1)
    assert "a cache listener failed" in caplog.text


def test_a_listener_that_left_hears_nothing(cache):
    changes: list[CacheChange] = []
    leave = cache.on_change(changes.append)
    leave()
    cache.apply([B], [], 11)
    assert changes == []


def test_the_cache_may_change_while_somebody_iterates(cache):
    seen = []
    for resource in cache.resources():
        seen.append(resource.name)
        cache.apply([B], ["models/a/endpoints/two"], 11)
    assert seen == ["models/a", "models/a/endpoints/one"]
