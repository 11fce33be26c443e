"""The rules for agents."""

from __future__ import annotations

from airegistry.errors import FieldViolation
from airegistry.resources.agent import Agent, AgentInterface, AgentSkill
from airegistry.resources.resource import ResourceKind
from airegistry.resources.validation.endpoint import check_auth, check_data_policy
from airegistry.resources.validation.model import check_provenance
from airegistry.resources.validation.prices import check_prices
from airegistry.resources.validation.rules import (
    MAX_INT32,
    Violations,
    credential,
    each,
    identifier,
    name_of,
    required,
    text,
    url,
    whole,
)

_check_model_name = name_of(ResourceKind.MODEL)


def check_agent(agent: Agent, path: str) -> Violations:
    """Yield what is wrong with an agent."""
    yield from text(agent.description, f"{path}.description")
    if agent.provider is not None:
        yield from required(agent.provider.organization, f"{path}.provider.organization")
    yield from each(agent.interfaces, f"{path}.interfaces", _check_interface, most=16)
    yield from each(agent.skills, f"{path}.skills", _check_skill, most=128)
    yield from _check_unique_skills(agent.skills, f"{path}.skills")
    yield from each(agent.default_input_modes, f"{path}.default_input_modes", required, most=32)
    yield from each(agent.default_output_modes, f"{path}.default_output_modes", required, most=32)
    yield from each(agent.models, f"{path}.models", _check_model_name, most=64)
    yield from check_prices(agent.prices, f"{path}.prices")
    yield from credential(agent.credential, f"{path}.credential")
    yield from check_auth(agent.auth, f"{path}.auth")
    yield from whole(agent.max_concurrent_tasks, f"{path}.max_concurrent_tasks", high=MAX_INT32)
    yield from check_data_policy(agent.data_policy, f"{path}.data_policy")
    yield from check_provenance(agent.provenance, f"{path}.provenance")


def _check_interface(interface: AgentInterface, path: str) -> Violations:
    yield from url(interface.url, f"{path}.url", allow_query=True)
    yield from required(interface.protocol_binding, f"{path}.protocol_binding")


def _check_skill(skill: AgentSkill, path: str) -> Violations:
    yield from identifier(skill.id, f"{path}.id")
    yield from required(skill.name, f"{path}.name")
    yield from text(skill.description, f"{path}.description")
    yield from each(skill.tags, f"{path}.tags", required, most=32)
    yield from each(skill.examples, f"{path}.examples", required, most=32)


def _check_unique_skills(skills: tuple[AgentSkill, ...], path: str) -> Violations:
    seen: set[str] = set()
    for i, skill in enumerate(skills):
        if skill.id and skill.id in seen:
            yield FieldViolation(f"{path}[{i}].id", "another skill of this agent has it already")
        seen.add(skill.id)
