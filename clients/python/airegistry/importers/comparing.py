"""What catalogs say differently about the same model of the same provider.

Only what at least two of them state is compared: that one of them says nothing is no difference, and what was concluded from
something else is no statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airegistry.importers.facts import facts_of
from airegistry.importers.showing import shown
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Model
from airegistry.resources.names import parse_name
from airegistry.resources.prices import PriceList
from airegistry.resources.pricing import in_force
from airegistry.resources.resource import Resource

_COMPARED = (
    "capabilities.",
    "family",
    "input_modalities",
    "knowledge_time",
    "lifecycle.",
    "limits.",
    "output_modalities",
    "tasks",
)
# A name in one registry, not a fact about the world.
_NAMES = frozenset({"lifecycle.replacement"})


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A model of a provider, in a region; empty: wherever it runs."""

    provider: str
    model: str
    region: str = ""

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}" + (f" ({self.region})" if self.region else "")


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that sources state differently, with what each says, in words."""

    place: Place
    fact: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many models each source has and how many are in more than one, and every difference between them."""

    models: Mapping[str, int]
    shared: int
    compared: int
    differences: tuple[Difference, ...]

    def count_by_fact(self) -> dict[str, int]:
        """Return how many differences there are of each kind of fact, the most frequent first."""
        return dict(Counter(_kind(difference.fact) for difference in self.differences).most_common())


def compare(catalogs: Mapping[str, Iterable[Resource]], at: datetime, *, inferred: bool = False) -> Comparison:
    """Compare catalogs, by the name of their source. Prices are those in force at *at*, for each kind of call.

    With *inferred*, what was concluded counts as stated.
    """
    claims = {source: dict(_claims(resources, at, inferred=inferred)) for source, resources in catalogs.items()}
    places = Counter(place for found in claims.values() for place in found)
    shared = sorted(place for place, count in places.items() if count > 1)
    differences: list[Difference] = []
    compared = 0
    for place in shared:
        stated = {source: found[place] for source, found in claims.items() if place in found}
        for fact, values in _by_fact(stated):
            compared += 1
            if len(set(values.values())) > 1:
                differences.append(Difference(place, fact, {source: shown(value) for source, value in values.items()}))
    counts = {source: len(found) for source, found in claims.items()}
    return Comparison(counts, len(shared), compared, tuple(differences))


def _claims(
    resources: Iterable[Resource], at: datetime, *, inferred: bool
) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Yield what a source says of each model of each provider."""
    listed = list(resources)
    models = {resource.name: resource.model for resource in listed if resource.model is not None}
    for resource in listed:
        endpoint = resource.endpoint
        if endpoint is not None:
            model = models.get(parse_name(resource.name).parent, Model())
            place = Place(endpoint.provider, endpoint.upstream_model, endpoint.region)
            yield place, dict(_stated(model, endpoint, at, inferred=inferred))


def _stated(model: Model, endpoint: Endpoint, at: datetime, *, inferred: bool) -> Iterator[tuple[str, Any]]:
    for spec, compared in ((model, _COMPARED), (endpoint, ("limits.",))):
        for fact, said in facts_of(spec).items():
            if fact.startswith(compared) and fact not in _NAMES and (inferred or not said.owner.inferred):
                # The order in which modalities and tasks are told is none of what is said.
                yield fact, tuple(sorted(said.value)) if isinstance(said.value, tuple) else said.value
    if endpoint.prices is not None:
        yield from _prices(endpoint.prices, at)


def _prices(prices: PriceList, at: datetime) -> Iterator[tuple[str, Any]]:
    variants: dict[tuple[tuple[str, str], ...], None] = {}
    for schedule in prices.schedules:
        variants[tuple(sorted(schedule.variant.items()))] = None
    for variant in variants:
        label = f"[{', '.join(f'{key}={value}' for key, value in variant)}]" if variant else ""
        for bucket, price in in_force(prices, at, dict(variant)).items():
            yield f"price{label}.{bucket.name.lower()}", price


def _by_fact(stated: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every fact that at least two sources state, with what each of them says."""
    facts = Counter(fact for claims in stated.values() for fact in claims)
    for fact in sorted(fact for fact, count in facts.items() if count > 1):
        yield fact, {source: claims[fact] for source, claims in stated.items() if fact in claims}


def _kind(fact: str) -> str:
    """Return what a fact is about; a price of any kind of call is about the price of its bucket."""
    if fact.startswith("price["):
        return f"price{fact[fact.rindex(']') + 1 :]} of variants"
    return fact
