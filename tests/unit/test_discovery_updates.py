"""An index that followed many changes answers as one that was told the end of the story."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from airegistry.discovery.index import Index
from airegistry.errors import InvalidArgumentError
from airegistry.observations.performance import Performance, Quantiles, WindowStats
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint
from airegistry.resources.model import Lifecycle, Model, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.requirements import DiscoverQuery, Preference, Requirements
from airegistry.resources.resource import Health, Liveness, Resource, ResourceStatus

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUERIES = (
    Requirements(),
    Requirements(task="chat", min_context_tokens=5_000),
    Requirements(task="chat", min_context_tokens=50_000, max_price_per_million_nanos=3_000),
    Requirements(regions=("eu-*",)),
    Requirements(labels={"team": "a"}),
    Requirements(providers=("p1",), quantizations=("fp8",)),
    Requirements(max_time_to_first_token=1.0),
    Requirements(min_reliability=0.9, allow_unknown=("min_reliability",)),
)


def prices(rng):
    def schedule(**when):
        return PriceSchedule(
            (Price(PriceBucket.INPUT_TOKENS, rng.randrange(5_000)), Price(PriceBucket.OUTPUT_TOKENS, 9)), **when
        )

    later = (schedule(start_time=NOON + rng.randrange(1, 4) * HOUR),) if rng.random() < 0.3 else ()
    return PriceList((schedule(), *later))


def model(rng, number):
    lifecycle = Lifecycle(retire_time=NOON + rng.randrange(1, 5) * HOUR) if rng.random() < 0.3 else None
    return Resource(
        name=f"models/m{number}",
        labels=rng.choice(({}, {"team": "a"})),
        model=Model(
            tasks=(rng.choice(("text-generation", "feature-extraction")),),
            limits=ModelLimits(context_tokens=rng.choice((4_000, 99_000))),
            lifecycle=lifecycle,
        ),
    )


def endpoint(rng, name):
    return Resource(
        name=name,
        labels=rng.choice(({}, {"team": "a"}, {"team": "b"})),
        status=status(rng),
        endpoint=Endpoint(
            address="https://e.example",
            communication=Communication(dialect="openai.chat", auth=Auth(AuthMethod.NONE)),
            provider=rng.choice(("p1", "p2")),
            region=rng.choice(("eu-1", "eu-2", "us-1")),
            quantization=rng.choice(("fp8", "")),
            prices=prices(rng),
        ),
    )


def status(rng):
    return rng.choice(
        (None, *[ResourceStatus(health=health, liveness=rng.choice((None, Liveness.SUSPECT))) for health in Health])
    )


def changed(rng, resource):
    served = resource.endpoint
    return rng.choice(
        (
            lambda: replace(resource, status=status(rng)),
            lambda: replace(resource, labels=rng.choice(({}, {"team": "a"}))),
            lambda: replace(resource, endpoint=replace(served, region=rng.choice(("eu-1", "us-1", "")))),
            lambda: replace(resource, endpoint=replace(served, provider=rng.choice(("p1", "p3")), quantization="int4")),
            lambda: replace(resource, endpoint=replace(served, prices=rng.choice((None, prices(rng))))),
            lambda: replace(resource, endpoint=replace(served, weight=rng.choice((0, 1)))),
            lambda: endpoint(rng, resource.name),
        )
    )()


def measured(rng, name):
    windows = tuple(
        WindowStats(window=length, attempts=90, time_to_first_token=Quantiles(90, rng.uniform(0.1, 3)), last_time=NOON)
        for length in (300.0, 1_800.0)
    )
    return Performance(name, windows if rng.random() < 0.9 else (), NOON)


def answers(index):
    return [
        index.discover(
            DiscoverQuery(requirements=asked, preference=preference), limit=500, name_excluded=named, stored=True
        )
        for asked in QUERIES
        for preference in (Preference.BALANCED, Preference.CHEAPEST)
        for named in (False, True)
    ]


@pytest.mark.parametrize("seed", range(6))
def test_an_index_that_followed_changes_answers_as_a_fresh_one(seed):
    rng, clock = random.Random(seed), [NOON]
    followed = Index(lambda: clock[0])
    known = {f"models/m{number}": model(rng, number) for number in range(8)}
    known |= {name: endpoint(rng, name) for name in (f"models/m{n % 8}/endpoints/e{n:03}" for n in range(100))}
    followed.replace(known.values(), 1)
    told: dict[str, Performance] = {}
    for step in range(12):
        served = [name for name in known if "/endpoints/" in name]
        for name in rng.sample(served, 20):
            known[name] = changed(rng, known[name])
            followed.apply([known[name]], (), step)
        gone = rng.choice(served)
        again, other = endpoint(rng, gone), model(rng, step % 8)
        followed.apply([again, other], [gone], step)
        known |= {gone: again, other.name: other}
        told.pop(gone, None)
        for name in rng.sample(served, rng.choice((1, 80))):
            told[name] = measured(rng, name)
            followed.observe([told[name]], step)
        clock[0] += HOUR / 4
        fresh = Index(lambda: clock[0])
        fresh.replace(known.values(), step)
        fresh.observe(told.values(), step)
        assert answers(followed) == answers(fresh)


@pytest.mark.parametrize(
    "asked",
    [
        Requirements(task="chat", min_context_tokens=-1),
        Requirements(task="chat", min_reliability=1.5),
        Requirements(task="chat", max_duration=float("nan")),
        Requirements(task="chat", min_context_tokens=10, min_output_tokens=11),
        Requirements(task="chat", max_duration=0),
    ],
    ids=["negative", "no-share", "nan", "contradiction", "no-time"],
)
def test_numbers_are_checked_however_often_others_were_asked_for_in_their_place(asked):
    index = Index(lambda: NOON)
    good = dict.fromkeys(("min_context_tokens", "min_reliability", "max_duration", "min_output_tokens"), 1)
    fine = replace(asked, **{name: value for name, value in good.items() if getattr(asked, name) is not None})
    index.discover(DiscoverQuery(requirements=fine))
    with pytest.raises(InvalidArgumentError):
        index.discover(DiscoverQuery(requirements=asked))


def test_a_name_is_a_typo_as_soon_as_nobody_has_it_any_more():
    rng, index, asked = (
        random.Random(3),
        Index(lambda: NOON),
        DiscoverQuery(requirements=Requirements(regions=("zone-eastt",))),
    )
    here, there = (endpoint(rng, f"models/m/endpoints/{name}") for name in ("here", "there"))
    moved = replace(here, endpoint=replace(here.endpoint, region="zone-eastt"))
    index.replace([moved, replace(there, endpoint=replace(there.endpoint, region="zone-east"))], 1)
    assert index.discover(asked).revision == 1
    index.apply([here], (), 2)
    with pytest.raises(InvalidArgumentError, match="zone-east"):
        index.discover(asked)
