"""An index of a few resources, and what it finds of them."""

from datetime import UTC, datetime
from typing import Any

from airegistry.discovery.index import Index
from airegistry.resources.agent import Agent, AgentInterface
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint
from airegistry.resources.model import Model
from airegistry.resources.requirements import DiscoverQuery, Requirements
from airegistry.resources.resource import Resource, ResourceStatus

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OPEN = Auth(method=AuthMethod.NONE)


def endpoint(name="models/m/endpoints/e", status=None, **facts: Any):
    usual: dict[str, Any] = {
        "address": "https://e.example",
        "communication": Communication(dialect="openai.chat", auth=OPEN),
    }
    return Resource(name=name, status=status, endpoint=Endpoint(**(usual | facts)))


def model(name="models/m", **facts: Any):
    return Resource(name=name, model=Model(**facts))


def agent(name="agents/a", state=None, **facts: Any):
    usual: dict[str, Any] = {"interfaces": (AgentInterface(url="https://a.example"),), "auth": OPEN}
    return Resource(name=name, status=ResourceStatus(agent_state=state), agent=Agent(**(usual | facts)))


def index_of(*resources, now=lambda: NOW):
    index = Index(now)
    index.replace(resources, 1)
    return index


def query(preference=None, weights=None, target=None, **requirements: Any):
    asked = Requirements(**requirements)
    return DiscoverQuery(target=target, requirements=asked, preference=preference, weights=weights)


def names(index, asked=None, **options):
    return [each.name for each in index.discover(asked or DiscoverQuery(), **options).candidates]


def cut(index, asked=None):
    return {each.reason: each.count for each in index.discover(asked or DiscoverQuery()).exclusions}
