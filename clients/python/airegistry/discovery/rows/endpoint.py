"""An endpoint as a row of the index, with the facts of its model joined in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from airegistry.discovery.naming import parent_of
from airegistry.discovery.rows.claims import claims_of
from airegistry.discovery.rows.model import ModelFacts, capability_marks
from airegistry.discovery.rows.rates import endpoint_rates
from airegistry.discovery.rows.row import YES, Facts, Mark, data_marks, health_marks, label_marks, number, retention_of
from airegistry.discovery.rows.timing import earliest, next_price_change
from airegistry.resources.endpoint import AuthMethod, Endpoint
from airegistry.resources.model import LifecycleStage, ModelLimits
from airegistry.resources.resource import Resource

_NO_LIMITS = ModelLimits()


def endpoint_facts(resource: Resource, model: ModelFacts, at: datetime) -> Facts:
    """Return the row of an endpoint at a time."""
    endpoint = resource.endpoint or Endpoint()
    capabilities = capability_marks(model.model, endpoint.capabilities) if endpoint.capabilities else model.capabilities
    return Facts(
        model=parent_of(resource.name),
        marks=model.marks.union(capabilities, _marks(resource, endpoint, model.stage)),
        numbers=_numbers(endpoint, model.limits),
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
    yield Mark.REGION, endpoint.region
    yield Mark.PROVIDER, endpoint.provider
    yield Mark.DIALECT, endpoint.communication.dialect if endpoint.communication else ""
    yield Mark.QUANTIZATION, endpoint.quantization
    yield from label_marks(resource.labels)
    yield from health_marks(resource.status)
    yield from data_marks(endpoint.data_policy)
    if stage is not LifecycleStage.RETIRED and is_invocable(endpoint):
        yield Mark.INVOCABLE, YES
    if endpoint.weight != 0:
        yield Mark.TAKES_TRAFFIC, YES


def _numbers(endpoint: Endpoint, model: ModelLimits) -> tuple[float, ...]:
    own = endpoint.limits or _NO_LIMITS
    context = model.context_tokens if own.context_tokens is None else own.context_tokens
    prompt = model.max_input_tokens if own.max_input_tokens is None else own.max_input_tokens
    return (
        number(context),
        number(model.max_output_tokens if own.max_output_tokens is None else own.max_output_tokens),
        # A prompt has to fit into the context, too; of the two, one may be all that is known.
        number(min((limit for limit in (context, prompt) if limit is not None), default=None)),
        retention_of(endpoint.data_policy),
    )
