"""What a plain object says of itself as an agent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from airegistry.agents.describing import id_of, is_card
from airegistry.errors import FieldViolation, InvalidArgumentError
from airegistry.resources.agent import AgentSkill

_CARDS: Final = ("agent_card", "card")
_SKILLS: Final = ("skills", "capabilities")
_TEXTS: Final = ("description", "version", "url")


def card_of(agent: Any) -> Any:
    """Return the card that an object is or has; None for a plain object."""
    return next((one for one in (agent, *(getattr(agent, name, None) for name in _CARDS)) if is_card(one)), None)


def told_by(agent: Any) -> dict[str, Any]:
    """Return name, skills, description, version and url of a plain object; those that it does not have are empty.

    Raises InvalidArgumentError naming each attribute that is missing or of another form.
    """
    told: dict[str, Any] = {name: getattr(agent, name, None) or "" for name in _TEXTS}
    told["name"] = getattr(agent, "name", None) or ""
    violations = [
        FieldViolation(f"agent.{name}", f"must be a text, is a {type(value).__name__}")
        for name, value in told.items()
        if not isinstance(value, str)
    ]
    if not told["name"]:
        violations.append(FieldViolation("agent.name", "is required"))
    where = next((name for name in _SKILLS if getattr(agent, name, None)), _SKILLS[0])
    try:
        told["skills"] = tuple(_skills(getattr(agent, where, None)))
    except (TypeError, ValueError) as error:
        violations.append(FieldViolation(f"agent.{where}", str(error)))
    if violations:
        raise InvalidArgumentError(violations=violations)
    return told


def _skills(value: Any) -> Iterator[AgentSkill]:
    if isinstance(value, Mapping):
        value = [{"name": name, "description": told if isinstance(told, str) else ""} for name, told in value.items()]
    if not value or isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ValueError("must be a list or a mapping with at least one skill")
    for skill in value:
        yield _skill(skill)


def _skill(skill: Any) -> AgentSkill:
    if isinstance(skill, AgentSkill):
        return skill
    if isinstance(skill, str):
        return AgentSkill(id=id_of(skill), name=skill)
    if isinstance(skill, Mapping):
        told = {name: skill.get(name) for name in _FIELDS}
    else:
        told = {name: getattr(skill, name, None) for name in _FIELDS}
    name = told["name"] or told["id"]
    if not isinstance(name, str) or not name:
        raise ValueError(f"a {type(skill).__name__} has neither id nor name, as a skill needs")
    return AgentSkill(
        id=id_of(str(told["id"] or name)),
        name=name,
        description=str(told["description"] or ""),
        tags=tuple(map(str, told["tags"] or ())),
        examples=tuple(map(str, told["examples"] or ())),
    )


_FIELDS: Final = ("id", "name", "description", "tags", "examples")
