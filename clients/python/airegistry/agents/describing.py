"""An agent as a resource, from few facts or from the card that it has already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from airegistry.errors import InvalidArgumentError
from airegistry.resources.agent import Agent, AgentCapabilities, AgentInterface, AgentProvider, AgentSkill
from airegistry.resources.endpoint import Auth, AuthMethod
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.resource import Resource

CARD: Final = "lf.a2a.v1.AgentCard"
"""The full name of the message that agents describe themselves with in A2A 1.x."""

_NOT_ID: Final = re.compile(r"[^a-z0-9._-]+")
_LOCAL: Final = ("127.", "localhost", "[::1]")
_LONGEST_ID: Final = 128


def describe_agent(
    id_: str,
    url: str,
    skills: Iterable[str | AgentSkill],
    *,
    price_per_task_nanos: int | None = None,
    **facts: Any,
) -> Resource:
    """Return an agent that is called at *url* (`grpc://host:port`, `grpcs://…`) by A2A, as a resource to register.

    *facts* are fields of `airegistry.Agent`. Without `credential` and `auth` it takes calls from anybody; it streams unless
    `capabilities` says otherwise. A price that is not given is unknown, not free.
    """
    if price_per_task_nanos is not None:
        each = Price(PriceBucket.AGENT_TASKS, price_per_task_nanos)
        facts.setdefault("prices", PriceList((PriceSchedule(prices=(each,)),)))
    if not facts.get("credential"):
        facts.setdefault("auth", Auth(AuthMethod.NONE))
    facts.setdefault("capabilities", AgentCapabilities(streaming=True))
    interfaces = (AgentInterface(url=url, protocol_binding="GRPC", protocol_version="1.0"),)
    agent = Agent(interfaces=interfaces, skills=tuple(map(skill_of, skills)), **facts)
    return Resource(name=f"agents/{id_}", agent=agent)


def describe_card(card: Any, *, id_: str = "", **facts: Any) -> Resource:
    """Return the agent that a card of A2A 1.x describes (a message of `a2a.types.AgentCard`), as a resource to register.

    The id is made of the card's name unless it is given; *facts* are fields of `airegistry.Agent` that a card does not have, as
    the name of the `credential` that a call presents. An address without a scheme is taken for one without TLS on this machine,
    and with TLS elsewhere.
    """
    if not is_card(card):
        raise InvalidArgumentError.of("card", f"must be a message {CARD}, is a {type(card).__name__}")
    if not facts.get("credential") and not card.security_requirements:
        facts.setdefault("auth", Auth(AuthMethod.NONE))
    has_provider = card.HasField("provider") and card.provider.organization
    agent = Agent(
        display_name=card.name,
        description=card.description,
        version=card.version,
        provider=AgentProvider(card.provider.organization, card.provider.url) if has_provider else None,
        interfaces=tuple(
            AgentInterface(_url(one.url, one.protocol_binding), one.protocol_binding, one.protocol_version, one.tenant)
            for one in card.supported_interfaces
        ),
        skills=tuple(_card_skill(skill) for skill in card.skills),
        default_input_modes=tuple(card.default_input_modes),
        default_output_modes=tuple(card.default_output_modes),
        capabilities=AgentCapabilities(
            streaming=card.capabilities.streaming,
            push_notifications=card.capabilities.push_notifications,
            extended_card=card.capabilities.extended_agent_card,
        ),
        documentation_url=card.documentation_url,
        icon_url=card.icon_url,
        **facts,
    )
    return Resource(name=f"agents/{id_ or id_of(card.name)}", agent=agent)


def is_card(value: Any) -> bool:
    """Say whether a value is an agent's card of A2A 1.x."""
    return getattr(getattr(value, "DESCRIPTOR", None), "full_name", None) == CARD


def skill_of(skill: str | AgentSkill) -> AgentSkill:
    """Return a skill that may be told by its name alone."""
    return skill if isinstance(skill, AgentSkill) else AgentSkill(id=id_of(skill), name=skill)


def id_of(name: str) -> str:
    """Return a name as an id: lower case, other characters to `-`."""
    id_ = _NOT_ID.sub("-", name.lower()).strip("-._")[:_LONGEST_ID].strip("-._")
    if not id_:
        raise InvalidArgumentError.of("name", f"{name!r} has no letter or digit to make an id of")
    return id_


def _card_skill(skill: Any) -> AgentSkill:
    return AgentSkill(
        id=id_of(skill.id or skill.name),
        name=skill.name or skill.id,
        description=skill.description,
        tags=tuple(skill.tags),
        examples=tuple(skill.examples),
        input_modes=tuple(skill.input_modes),
        output_modes=tuple(skill.output_modes),
    )


def _url(url: str, binding: str) -> str:
    if "://" in url:
        return url
    local = url.startswith(_LOCAL)
    secure, plain = ("grpcs", "grpc") if binding.upper() == "GRPC" else ("https", "http")
    return f"{plain if local else secure}://{url}"
