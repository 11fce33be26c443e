"""Targets are kept for as long as the registry, what was measured, and the time say the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from airegistry.cache import Cache
from airegistry.observations.performance import Performance
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.routing.serving import Serving
from tests import catalogs

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
URL = "http://127.0.0.1:1"


def priced(nanos, **conditions):
    buckets = (PriceBucket.INPUT_TOKENS, PriceBucket.OUTPUT_TOKENS)
    return PriceSchedule(tuple(Price(bucket, nanos) for bucket in buckets), **conditions)


DEARER_LATER = PriceList((priced(1_000), priced(1_000_000_000_000, start_time=LATER)))
CATALOG = [
    catalogs.model(),
    catalogs.endpoint("a", URL, prices=DEARER_LATER),
    catalogs.endpoint("b", URL, prices=PriceList((priced(1_000_000),))),
    catalogs.endpoint("idle", URL, weight=0),
]


class Clock:
    def __init__(self):
        self.at = NOW

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(clock):
    cache = Cache(clock)
    cache.replace(CATALOG, 1)
    return cache


def names(serving):
    return [target.name.rpartition("/")[2] for target in serving.of("models/m").targets]


def test_who_serves_a_model_is_found_once(cache):
    serving = Serving(cache)
    assert names(serving) == ["a", "b"]
    assert serving.of("models/m") is serving.of("models/m")
    assert serving.of("models/m").idle == ("models/m/endpoints/idle",)
    assert serving.of("models/x").targets == ()


def test_what_the_registry_says_next_counts_at_once(cache):
    serving = Serving(cache)
    names(serving)
    moved = catalogs.endpoint("c", "http://127.0.0.1:2")
    cache.apply([moved], ["models/m/endpoints/a"], 2)
    assert names(serving) == ["b", "c"]
    cache.apply([replace(moved, uid="other")], [], 3)
    assert [target.resource.uid for target in serving.of("models/m").targets] == ["", "other"]


def test_a_model_that_changes_changes_its_targets(cache):
    serving = Serving(cache)
    names(serving)
    changed = catalogs.model(family="f")
    cache.apply([changed], [], 2)
    assert [target.model for target in serving.of("models/m").targets] == [changed, changed]


def test_another_view_of_the_same_revision_is_another_one(cache):
    serving = Serving(cache)
    names(serving)
    cache.replace(CATALOG[:2], 1)
    assert names(serving) == ["a"]


def test_a_price_that_begins_changes_the_order_without_a_word_of_the_registry(cache, clock):
    serving = Serving(cache)
    assert names(serving) == ["a", "b"]
    clock.at = LATER
    assert names(serving) == ["b", "a"]


def test_what_is_measured_makes_targets_anew(cache):
    serving = Serving(cache)
    before = serving.of("models/m")
    cache.observe([Performance("models/m/endpoints/a", (), NOW)], 1)
    assert serving.of("models/m") is not before


def test_only_so_many_models_are_kept(cache, monkeypatch):
    monkeypatch.setattr("airegistry.routing.serving._MOST_MODELS", 2)
    serving = Serving(cache)
    first = serving.of("models/m")
    serving.of("models/x")
    serving.of("models/y")
    assert serving.of("models/m") == first
    assert serving.of("models/m") is not first
