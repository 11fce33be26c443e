from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from grpc import aio

from airegistry.testing import FakeRegistry
from airegistry.v1 import registry_service_pb2_grpc
from registry.app import Registry, serve
from registry.config import Config
from tests.planes import carrier
from tests.ports import free_address


@dataclass
class Running:
    """A registry that runs for a test, and a generated stub on a channel to it."""

    registry: Registry
    channel: aio.Channel
    stub: Any


@pytest.fixture
def running(tmp_path):
    """Return `running(**settings)`: an async context manager that runs a registry on free ports."""

    @asynccontextmanager
    async def run(**settings):
        # Tests count who calls: a gateway that looks for the registry of another test must not find this one.
        free = {"registry_address": free_address(), "registry_http_address": "127.0.0.1:0", "data_dir": tmp_path}
        async with (
            serve(Config(**free | settings), carrier=carrier()) as registry,
            aio.insecure_channel(registry.address) as channel,
        ):
            yield Running(registry, channel, registry_service_pb2_grpc.RegistryServiceStub(channel))

    return run


@pytest.fixture
async def fake():
    async with FakeRegistry(address=free_address()) as fake:
        yield fake
