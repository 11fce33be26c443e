"""What tests of the catalog register: small resources, and the requests around them."""

from __future__ import annotations

from typing import Any

import pytest

from airegistry.errors import InvalidArgumentError
from airegistry.resources.agent import Agent
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from registry.catalog import Catalog
from registry.requests import HeartbeatBatch, LeaseRenewal, RegisterBatch

ME, OTHER = "owner-me", "owner-other"
SCOUT = "agents/scout"


def model(id_: str = "a", description: str = "", **fields: Any) -> Resource:
    return Resource(name=f"models/{id_}", model=Model(description=description), **fields)


def endpoint(id_: str = "x", of: str = "a", weight: int | None = None, **fields: Any) -> Resource:
    spec = Endpoint(provider="acme", upstream_model="a", weight=weight)
    return Resource(name=f"models/{of}/endpoints/{id_}", endpoint=spec, **fields)


def scout(description: str = "", **fields: Any) -> Resource:
    return Resource(name=SCOUT, agent=Agent(display_name="Scout", description=description), **fields)


def batch(*resources: Resource, **options: Any) -> RegisterBatch:
    return RegisterBatch(resources=resources, **options)


def leased(*resources: Resource, owner_id: str = ME, lease_ttl: float = 30.0, **options: Any) -> RegisterBatch:
    return batch(*resources, owner_id=owner_id, lease_ttl=lease_ttl, **options)


def heartbeat(name: str = SCOUT, owner_id: str = ME, **report: Any) -> HeartbeatBatch:
    return HeartbeatBatch(renewals=(LeaseRenewal(name, **report),), owner_id=owner_id)


def status(catalog: Catalog, name: str = SCOUT) -> Any:
    return catalog.entries[name].resource.status


def fields_of(raised: pytest.ExceptionInfo[InvalidArgumentError]) -> list[str]:
    return [violation.field for violation in raised.value.violations]
