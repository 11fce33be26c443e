"""An agent as a row of the index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime

from airegistry.discovery.rows import values
from airegistry.discovery.rows.claims import claims_of
from airegistry.discovery.rows.rates import agent_rates
from airegistry.discovery.rows.row import (
    NO_NUMBER,
    UNKNOWN,
    YES,
    Facts,
    Mark,
    data_marks,
    health_marks,
    label_marks,
    marks_of,
    retention_of,
    stage_marks,
)
from airegistry.discovery.rows.timing import next_price_change
from airegistry.resources.agent import Agent, AgentCapabilities
from airegistry.resources.endpoint import AuthMethod
from airegistry.resources.model import LifecycleStage, Modality
from airegistry.resources.resource import Resource, ResourceStatus

_MEDIA = {
    "text": Modality.TEXT,
    "image": Modality.IMAGE,
    "audio": Modality.AUDIO,
    "video": Modality.VIDEO,
    "application": Modality.FILE,
}
_UNTOLD = (Mark.TASK, Mark.DIALECT, Mark.QUANTIZATION, Mark.FAMILY)


def agent_facts(resource: Resource, at: datetime) -> Facts:
    """Return the row of an agent at a time."""
    agent, status = resource.agent or Agent(), resource.status or ResourceStatus()
    return Facts(
        model="",
        marks=frozenset((*_marks(agent), *label_marks(resource.labels), *health_marks(resource.status))),
        numbers=(NO_NUMBER, NO_NUMBER, NO_NUMBER, retention_of(agent.data_policy)),
        rates=agent_rates(agent.prices, at),
        quality=values.quality(()),
        claims=claims_of(status, state=status.agent_state),
        until=next_price_change(agent.prices, at),
    )


def _marks(agent: Agent) -> Iterator[tuple[Mark, str]]:
    yield from marks_of(Mark.MODEL, agent.models)
    yield from _capability_marks(agent.capabilities or AgentCapabilities())
    yield from marks_of(Mark.INPUT, _modalities(agent.default_input_modes))
    yield from marks_of(Mark.OUTPUT, _modalities(agent.default_output_modes))
    for skill in agent.skills:
        yield from ((Mark.SKILL, text) for text in (skill.id, *skill.tags))
    yield Mark.REGION, agent.region
    yield Mark.PROVIDER, agent.provider.organization if agent.provider else UNKNOWN
    yield Mark.VERSION, agent.version
    yield from ((kind, UNKNOWN) for kind in _UNTOLD)
    yield from stage_marks(LifecycleStage.ACTIVE)
    yield from data_marks(agent.data_policy)
    yield Mark.TAKES_TRAFFIC, YES
    if _is_invocable(agent):
        yield Mark.INVOCABLE, YES


def _is_invocable(agent: Agent) -> bool:
    open_to_all = agent.auth is not None and agent.auth.method is AuthMethod.NONE
    return any(interface.url for interface in agent.interfaces) and (bool(agent.credential) or open_to_all)


def _capability_marks(capabilities: AgentCapabilities) -> Iterator[tuple[Mark, str]]:
    # Of an agent's capabilities, unset means that it does not have them.
    for name in (field.name for field in fields(AgentCapabilities)):
        yield (Mark.CAPABILITY if getattr(capabilities, name) else Mark.LACKING), name


def _modalities(media_types: tuple[str, ...]) -> list[str]:
    kinds = (media_type.partition("/")[0] for media_type in media_types)
    return [_MEDIA[kind].name for kind in kinds if kind in _MEDIA]
