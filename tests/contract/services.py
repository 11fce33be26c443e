"""Who serves RegistryService, the real registry and the fake for users' tests, and how its watches are read."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

from airegistry.client.messages import WatchResponseKind
from airegistry.resources.agent import Agent, AgentSkill
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from airegistry.testing import FakeRegistry
from registry.app import serve
from registry.config import Config
from tests.planes import carrier
from tests.ports import free_address

OWNER, OTHER = "owner-1234", "other-5678"
MODEL = Resource(name="models/a", model=Model(tasks=("text-generation",)))
AGENT = Resource(name="agents/writer", agent=Agent(skills=(AgentSkill("write", "Write"),)))


def an_endpoint(id_="one", model="a", **fields):
    endpoint = Endpoint(
        provider="p",
        address="http://127.0.0.1:1",
        upstream_model="a",
        credential="KEY",
        communication=Communication(dialect="openai.chat"),
    )
    return Resource(name=f"models/{model}/endpoints/{id_}", endpoint=replace(endpoint, **fields))


@asynccontextmanager
async def real_registry(folder):
    config = Config(
        data_dir=folder, registry_address=free_address(), registry_http_address="127.0.0.1:0", registry_drain=1.0
    )
    async with serve(config, carrier=carrier()) as registry:
        yield registry.address


@asynccontextmanager
async def fake_registry(_folder):
    async with FakeRegistry(address=free_address()) as registry:
        yield registry.address


async def read(stream, count):
    return [await asyncio.wait_for(anext(stream), 30) for _ in range(count)]


async def snapshot(stream):
    """Read to the end mark of the snapshot; return the names and the mark."""
    names = []
    while True:
        (response,) = await read(stream, 1)
        names += [event.resource.name for event in response.events]
        if response.kind is WatchResponseKind.SNAPSHOT_END:
            return names, response


def shown(response):
    return [(event.type, event.resource.name, event.revision) for event in response.events]
