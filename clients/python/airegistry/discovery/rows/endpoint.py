"""An endpoint as a row of the index, with the facts of its model joined in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from airegistry.discovery.naming import parent_of
from airegistry.discovery.rows.claims import claims_of
from airegistry.discovery.rows.model import ModelFacts, capability_marks
from airegistry.discovery.rows.rates import endpoint_rates
from airegistry.discovery.rows.row import (
    YES,
    Facts,
    Mark,
    data_marks,
    health_marks,
    label_marks,
    limit_numbers,
    retention_of,
)
from airegistry.discovery.rows.timing import earliest, next_price_change
from airegistry.resources.endpoint import AuthMethod, Endpoint
from airegistry.resources.model import LifecycleStage
from airegistry.resources.resource import Resource

_NO_ENDPOINT = Endpoint()


def endpoint_facts(resource: Resource, model: ModelFacts, at: datetime) -> Facts:
    """Return the row of an endpoint at a time."""
    endpoint = resource.endpoint or _NO_ENDPOINT
    capabilities = capability_marks(model.model, endpoint.capabilities) if endpoint.capabilities else model.capabilities
    return Facts(
        model=sys.intern(parent_of(resource.name)),
        marks=model.marks.union(capabilities, model.own, _marks(resource, endpoint, model.stage)),
        numbers=(*_limits(endpoint, model), retention_of(endpoint.data_policy)),
        rates=endpoint_rates(endpoint.prices, at),
        quality=model.quality,
        claims=claims_of(resource.status, endpoint.declared, endpoint.rate_limits),
        until=earliest(model.until, next_price_change(endpoint.prices, at)),
    )


def is_invocable(endpoint: Endpoint) -> bool:
    """Say whether there is enough to call it: an address, a dialect, and a credential unless it needs none."""
    communication = endpoint.communication
    if not endpoint.address or communication is None or not communication.dialect:
        return False
    auth = communication.auth
    return bool(endpoint.credential) or (auth is not None and auth.method is AuthMethod.NONE)


def _marks(resource: Resource, endpoint: Endpoint, stage: LifecycleStage) -> Iterator[tuple[Mark, str]]:
    yield Mark.MODEL, parent_of(resource.name)
    yield from _common_marks(
        endpoint.region,
        endpoint.provider,
        endpoint.communication.dialect if endpoint.communication else "",
        endpoint.quantization,
        invocable=stage is not LifecycleStage.RETIRED and is_invocable(endpoint),
        takes_traffic=endpoint.weight != 0,
    )
    yield from label_marks(resource.labels)
    yield from health_marks(resource.status)
    yield from data_marks(endpoint.data_policy)


@lru_cache(maxsize=4096)
def _common_marks(
    region: str, provider: str, dialect: str, quantization: str, *, invocable: bool, takes_traffic: bool
) -> tuple[tuple[Mark, str], ...]:
    """Return the marks that many endpoints have alike, made once."""
    told = (
        (Mark.REGION, region),
        (Mark.PROVIDER, provider),
        (Mark.DIALECT, dialect),
        (Mark.QUANTIZATION, quantization),
    )
    able = (((Mark.INVOCABLE, YES),) if invocable else ()) + (((Mark.TAKES_TRAFFIC, YES),) if takes_traffic else ())
    return told + able


def _limits(endpoint: Endpoint, model: ModelFacts) -> tuple[float, float, float]:
    own, of_model = endpoint.limits, model.limits
    if own is None:
        return model.numbers
    return limit_numbers(
        of_model.context_tokens if own.context_tokens is None else own.context_tokens,
        of_model.max_output_tokens if own.max_output_tokens is None else own.max_output_tokens,
        of_model.max_input_tokens if own.max_input_tokens is None else own.max_input_tokens,
    )
