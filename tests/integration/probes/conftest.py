"""A catalog to probe at intervals that a test can wait for, and a ladder to climb."""

import pytest

from registry.probes import ladder as ladder_module
from registry.probes import prober as prober_module
from registry.probes import target as target_module
from registry.probes.ladder import open_ladder
from registry.store.sqlite import SqliteStore
from tests.contract.stores import running_catalog
from tests.probers import QUICK, Walls


@pytest.fixture
def quick(monkeypatch):
    """Intervals that a test can wait for."""
    monkeypatch.setattr(target_module, "MIN_INTERVAL", QUICK)
    monkeypatch.setattr(prober_module, "_SHARE_INTERVAL", QUICK)


@pytest.fixture
async def catalog(tmp_path, quick):
    store = SqliteStore(tmp_path / "data")
    async with running_catalog(store) as catalog:
        yield catalog
    await store.close()


@pytest.fixture
def walls(quick):
    return Walls()


@pytest.fixture
async def ladder():
    async with open_ladder() as ladder:
        yield ladder


@pytest.fixture
def impatient(monkeypatch):
    """Time limits that a test can wait for."""
    monkeypatch.setattr(ladder_module, "CONNECT_TIMEOUT", 1.0)
    monkeypatch.setattr(ladder_module, "TIMEOUT", 1.5)
