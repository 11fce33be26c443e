"""An agent as a row of the index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime

from airegistry.discovery import values
from airegistry.discovery.facts import NO_NUMBER, Facts, Number, Text, flags_of, label_text, retention_of, texts_of
from airegistry.discovery.rates import agent_rates
from airegistry.discovery.timing import next_change
from airegistry.resources.agent import Agent, AgentCapabilities
from airegistry.resources.endpoint import AuthMethod
from airegistry.resources.model import LifecycleStage, Modality
from airegistry.resources.resource import Health, Resource, ResourceStatus

_MEDIA = {
    "text": Modality.TEXT,
    "image": Modality.IMAGE,
    "audio": Modality.AUDIO,
    "video": Modality.VIDEO,
    "application": Modality.FILE,
}


def agent_facts(resource: Resource, at: datetime) -> Facts:
    """Return the row of an agent at a time."""
    agent = resource.agent or Agent()
    status = resource.status or ResourceStatus()
    texts = [*_texts(agent), *((Text.LABEL, label_text(*label)) for label in resource.labels.items())]
    return Facts(
        model="",
        texts=tuple(dict.fromkeys(texts)),
        numbers=(*(NO_NUMBER for _ in Number if _ is not Number.RETENTION), retention_of(agent.data_policy)),
        flags=flags_of(
            resource.status,
            agent.data_policy,
            LifecycleStage.ACTIVE,
            invocable=_is_invocable(agent),
            takes_traffic=True,
        ),
        rates=agent_rates(agent.prices, at),
        values=(
            values.latency(None),
            values.reliability(None, degraded=status.health is Health.DEGRADED),
            values.quality(()),
            values.load(status.agent_state),
        ),
        until=next_change(agent.prices, None, at),
    )


def _is_invocable(agent: Agent) -> bool:
    open_to_all = agent.auth is not None and agent.auth.method is AuthMethod.NONE
    return any(interface.url for interface in agent.interfaces) and (bool(agent.credential) or open_to_all)


def _texts(agent: Agent) -> Iterator[tuple[Text, str]]:
    yield from texts_of(Text.MODEL, agent.models)
    yield Text.TASK, ""
    yield from _capability_texts(agent.capabilities or AgentCapabilities())
    yield from texts_of(Text.INPUT, _modalities(agent.default_input_modes))
    yield from texts_of(Text.OUTPUT, _modalities(agent.default_output_modes))
    for skill in agent.skills:
        yield from ((Text.SKILL, text) for text in (skill.id, *skill.tags))
    yield Text.REGION, agent.region
    yield Text.PROVIDER, agent.provider.organization if agent.provider else ""
    for column in (Text.DIALECT, Text.QUANTIZATION, Text.FAMILY):
        yield column, ""
    yield Text.VERSION, agent.version
    yield Text.STAGE, LifecycleStage.ACTIVE.name


def _capability_texts(capabilities: AgentCapabilities) -> Iterator[tuple[Text, str]]:
    # Of an agent's capabilities, unset means that it does not have them.
    for name in (field.name for field in fields(AgentCapabilities)):
        yield (Text.CAPABILITY if getattr(capabilities, name) else Text.LACKING), name


def _modalities(media_types: tuple[str, ...]) -> list[str]:
    kinds = (media_type.partition("/")[0] for media_type in media_types)
    return [_MEDIA[kind].name for kind in kinds if kind in _MEDIA]
