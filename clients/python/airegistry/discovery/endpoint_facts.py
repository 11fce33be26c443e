"""An endpoint as a row of the index, with the facts of its model joined in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from airegistry.discovery import values
from airegistry.discovery.facts import Facts, Text, flags_of, label_text, number, retention_of, texts_of
from airegistry.discovery.naming import parent_of
from airegistry.discovery.rates import endpoint_rates
from airegistry.discovery.timing import next_change, stage_at
from airegistry.resources.endpoint import AuthMethod, DeclaredPerformance, Endpoint
from airegistry.resources.model import Capability, LifecycleStage, Modality, Model, ModelLimits
from airegistry.resources.resource import Health, Resource

_UNKNOWN_MODEL = Model()


def endpoint_facts(resource: Resource, parent: Resource | None, at: datetime) -> Facts:
    """Return the row of an endpoint at a time; *parent* is None while its model is not known."""
    endpoint = resource.endpoint or Endpoint()
    model = (parent and parent.model) or _UNKNOWN_MODEL
    stage = stage_at(model.lifecycle, at)
    labels = [*resource.labels.items(), *(parent.labels.items() if parent else ())]
    texts = [
        *_own_texts(resource.name, endpoint),
        *_model_texts(model, stage),
        *_capability_texts(model, endpoint.capabilities),
        *((Text.LABEL, label_text(*label)) for label in labels),
    ]
    return Facts(
        model=parent_of(resource.name),
        texts=tuple(dict.fromkeys(texts)),
        numbers=(
            *_limits(endpoint.limits, model.limits),
            *_performance(endpoint.declared),
            retention_of(endpoint.data_policy),
        ),
        flags=flags_of(
            resource.status,
            endpoint.data_policy,
            stage,
            invocable=is_invocable(endpoint) and stage is not LifecycleStage.RETIRED,
            takes_traffic=endpoint.weight != 0,
        ),
        rates=endpoint_rates(endpoint.prices, at),
        values=(
            values.latency(endpoint.declared),
            values.reliability(endpoint.declared, degraded=_degraded(resource)),
            values.quality(model.benchmarks),
            values.load(None),
        ),
        until=next_change(endpoint.prices, model.lifecycle, at),
    )


def is_invocable(endpoint: Endpoint) -> bool:
    """Say whether there is enough to call it: an address, a dialect, and a credential unless it needs none."""
    communication = endpoint.communication
    if not endpoint.address or communication is None or not communication.dialect:
        return False
    auth = communication.auth
    return bool(endpoint.credential) or (auth is not None and auth.method is AuthMethod.NONE)


def _degraded(resource: Resource) -> bool:
    return resource.status is not None and resource.status.health is Health.DEGRADED


def _own_texts(name: str, endpoint: Endpoint) -> Iterator[tuple[Text, str]]:
    yield Text.MODEL, parent_of(name)
    yield Text.REGION, endpoint.region
    yield Text.PROVIDER, endpoint.provider
    yield Text.DIALECT, endpoint.communication.dialect if endpoint.communication else ""
    yield Text.QUANTIZATION, endpoint.quantization


def _model_texts(model: Model, stage: LifecycleStage) -> Iterator[tuple[Text, str]]:
    yield from texts_of(Text.TASK, model.tasks)
    yield from texts_of(Text.INPUT, (modality.name for modality in model.input_modalities))
    yield from texts_of(Text.OUTPUT, (modality.name for modality in model.output_modalities))
    yield Text.FAMILY, model.family
    yield Text.VERSION, model.version
    yield Text.STAGE, stage.name


def _capability_texts(model: Model, own: Mapping[str, Capability]) -> Iterator[tuple[Text, str]]:
    known = {name: _supported(capability) for name, capability in {**model.capabilities, **own}.items()}
    # Taking images is what `vision` means, whatever else is said of it.
    if Modality.IMAGE in model.input_modalities:
        known["vision"] = True
    elif model.input_modalities:
        known.setdefault("vision", False)
    for name, supported in known.items():
        if supported is not None:
            yield (Text.CAPABILITY if supported else Text.LACKING), name


def _supported(capability: Capability) -> bool | None:
    return capability.level > 0 if capability.level is not None else capability.supported


def _limits(own: ModelLimits | None, model: ModelLimits | None) -> tuple[float, float]:
    own, model = own or ModelLimits(), model or ModelLimits()
    context = model.context_tokens if own.context_tokens is None else own.context_tokens
    output = model.max_output_tokens if own.max_output_tokens is None else own.max_output_tokens
    return number(context), number(output)


def _performance(declared: DeclaredPerformance | None) -> tuple[float, float, float]:
    known = declared or DeclaredPerformance()
    return number(known.time_to_first_token), number(known.tokens_per_second), number(known.reliability)
