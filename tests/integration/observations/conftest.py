"""A registry that is told of attempts, and its client."""

from contextlib import asynccontextmanager

import pytest

from airegistry.client import RegistryClient
from tests.orders import endpoint, model, scout
from tests.reports import LONG, Measuring


@pytest.fixture
def measuring(running):
    """Return `measuring(**settings)`: a registry with two endpoints and an agent, and a client of its analytics."""

    @asynccontextmanager
    async def run(**settings):
        async with running(registry_observations_gather=0.02, **settings) as served:
            async with RegistryClient(served.registry.address) as registry:
                await registry.register([model(), endpoint(), endpoint("y"), scout()])
            async with Measuring(served.registry.address, timeout=LONG) as client:
                client.registry = served.registry
                yield client

    return run


@pytest.fixture
async def client(measuring):
    async with measuring() as client:
        yield client
