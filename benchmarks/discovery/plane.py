"""An index as a live plane has it: endpoints with measured values, and what goes on changing."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle

from airegistry.discovery.index import Index
from airegistry.observations.performance import WINDOWS, ErrorCount, Performance, Quantiles, WindowStats
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.prices import PriceList
from airegistry.resources.resource import Health, Resource, ResourceStatus
from airegistry.resources.route import ErrorClass

AT = datetime(2026, 1, 1, tzinfo=UTC)
_PER_MINUTE = 6
_LONGEST = 40_000
_BATCH = 1_000


def open_index(resources: Sequence[Resource], *, every: int = 1) -> Index:
    """Return an index of resources; of one endpoint in *every* something was measured in all four windows."""
    index = Index(lambda: AT)
    index.replace(resources, 1)
    measured = endpoints(resources)[::every]
    rng = random.Random(5)
    for start in range(0, len(measured), _BATCH):
        index.observe((performance(rng, each.name) for each in measured[start : start + _BATCH]), 1)
    return index


def endpoints(resources: Sequence[Resource]) -> list[Resource]:
    """Return the endpoints among resources."""
    return [resource for resource in resources if resource.endpoint is not None]


def observations(known: Sequence[Resource], seed: int = 17) -> Iterator[Performance]:
    """Yield what is measured next of one endpoint after the other, at random."""
    rng = random.Random(seed)
    while True:
        yield performance(rng, rng.choice(known).name)


def changes(known: Sequence[Resource], seed: int = 19) -> Iterator[Resource]:
    """Yield endpoints at random with another price, another health or another region, by turns."""
    rng = random.Random(seed)
    for change in cycle((_repriced, _unwell, _moved)):
        resource = rng.choice(known)
        yield change(resource, resource.endpoint or Endpoint(), rng)


def performance(rng: random.Random, name: str) -> Performance:
    """Return what may have been measured of an endpoint: medians of its own, a few failures, four windows."""
    first, speed, whole = rng.uniform(0.1, 2.0), rng.uniform(20, 300), rng.uniform(1, 12)
    last = AT - timedelta(seconds=rng.uniform(0, 50))
    windows = []
    for window in WINDOWS:
        attempts = min(_LONGEST, int(window / 60 * rng.uniform(1, _PER_MINUTE)))
        spread = rng.uniform(0.95, 1.05)
        windows.append(
            WindowStats(
                window=window,
                attempts=attempts,
                errors=(ErrorCount(ErrorClass.OVERLOADED, 1),) if rng.random() < 0.2 else (),  # noqa: PLR2004 - a share
                time_to_first_token=_around(attempts, first * spread),
                duration=_around(attempts, whole * spread),
                tokens_per_second=_around(attempts, speed * spread),
                tokens=attempts * 700,
                last_time=last,
            )
        )
    return Performance(name, tuple(windows), AT, 1)


def _around(count: int, middle: float) -> Quantiles:
    return Quantiles(count, middle, middle * 2, middle * 4)


def _repriced(resource: Resource, endpoint: Endpoint, rng: random.Random) -> Resource:
    prices = endpoint.prices or PriceList()
    dearer = [
        replace(
            schedule,
            prices=tuple(replace(each, nanos=(each.nanos or 0) + rng.randrange(10**7)) for each in schedule.prices),
        )
        for schedule in prices.schedules
    ]
    return replace(resource, endpoint=replace(endpoint, prices=replace(prices, schedules=tuple(dearer))))


def _unwell(resource: Resource, _endpoint: Endpoint, rng: random.Random) -> Resource:
    return replace(resource, status=ResourceStatus(health=rng.choice((Health.SERVING, Health.NOT_SERVING))))


def _moved(resource: Resource, endpoint: Endpoint, rng: random.Random) -> Resource:
    region = rng.choice(("us-east-1", "eu-west-1", "de", "ap-south-1"))
    return replace(resource, endpoint=replace(endpoint, region=region))
