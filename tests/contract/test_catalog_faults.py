"""Many writers at once, and what happens when something breaks."""

import asyncio
from datetime import UTC, datetime

import pytest

from airegistry.discovery.index import Index
from airegistry.discovery.naming import NameTable
from airegistry.errors import (
    AlreadyExistsError,
    EtagMismatchError,
    NotFoundError,
    OverloadedError,
    UnavailableError,
)
from registry import writer
from registry.catalog import Catalog
from registry.requests import (
    Deregistration,
    Update,
)
from tests.orders import SCOUT, batch, endpoint, model, scout


async def test_requests_at_the_same_time_each_get_their_own_outcome(catalog):
    await catalog.register(batch(model("a")))
    outcomes = await asyncio.gather(
        *(catalog.register(batch(endpoint(f"e{i}", of="a" if i % 3 else "missing"))) for i in range(30)),
        return_exceptions=True,
    )
    failed = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, NotFoundError)]
    assert failed == list(range(0, 30, 3))
    revisions = [outcome.revision for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert sorted(revisions) == list(range(2, 22))


async def test_only_one_of_many_creators_wins(catalog):
    attempts = (catalog.register(batch(model("a", str(i)), create_only=True)) for i in range(20))
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(outcome, AlreadyExistsError) for outcome in outcomes) == 19
    assert catalog.revision == 1


async def test_of_many_writers_with_one_etag_only_one_wins(catalog):
    etag = (await catalog.register(batch(model()))).entries[0].resource.etag
    attempts = (catalog.register(batch(model("a", str(i), etag=etag))) for i in range(20))
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(outcome, EtagMismatchError) for outcome in outcomes) == 19


async def test_no_endpoint_is_left_without_its_model(catalog):
    await catalog.register(batch(model()))
    await asyncio.gather(
        catalog.deregister(Deregistration(name="models/a")),
        catalog.register(batch(endpoint())),
        return_exceptions=True,
    )
    assert "models/a/endpoints/x" not in catalog.entries


async def test_writes_that_wait_share_a_transaction(catalog, store, monkeypatch):
    groups = []
    commit = store.commit

    async def counted(writes, expected):
        groups.append(len(writes))
        return await commit(writes, expected)

    monkeypatch.setattr(store, "commit", counted)
    await asyncio.gather(*(catalog.register(batch(model(f"m{i}"))) for i in range(20)))
    assert sum(groups) == 20
    assert len(groups) <= 2


async def test_a_failed_transaction_fails_its_requests_alone_and_leaves_no_hole(catalog, store, monkeypatch):
    async def fail(_writes, _expected):
        raise UnavailableError("the store failed: SQLITE_FULL")

    with monkeypatch.context() as broken:
        broken.setattr(store, "commit", fail)
        outcomes = await asyncio.gather(
            *(catalog.register(batch(model(f"m{i}"))) for i in range(3)), return_exceptions=True
        )
    assert all(isinstance(outcome, UnavailableError) for outcome in outcomes)
    assert (catalog.revision, len(catalog.entries)) == (0, 0)
    assert (await catalog.register(batch(model("m0")))).revision == 1


async def test_too_many_waiting_writes_are_refused(catalog):
    attempts = [
        asyncio.ensure_future(catalog.register(batch(model("a", str(i))))) for i in range(writer.MAX_QUEUED + 5)
    ]
    await asyncio.sleep(0)
    refused = [attempt for attempt in attempts if attempt.done() and isinstance(attempt.exception(), OverloadedError)]
    for attempt in attempts:
        attempt.cancel()
    await asyncio.wait(attempts)
    assert len(refused) == 5
    assert refused[0].exception().retry_after


async def test_waiting_updates_count_by_their_size(catalog, monkeypatch):
    await catalog.register(batch(model()))
    monkeypatch.setattr(writer, "MAX_QUEUED_BYTES", 50_000)
    update = Update(resource=model(description="x" * 8_000))
    attempts = [asyncio.ensure_future(catalog.update(update)) for _ in range(10)]
    await asyncio.sleep(0)
    refused = [attempt for attempt in attempts if attempt.done() and isinstance(attempt.exception(), OverloadedError)]
    await asyncio.wait(attempts)
    assert len(refused) == 4


async def test_a_caller_that_went_away_before_its_turn_changes_nothing(catalog):
    attempt = asyncio.ensure_future(catalog.register(batch(model())))
    await asyncio.sleep(0)
    attempt.cancel()
    await catalog.register(batch(scout()))
    assert list(catalog.entries) == [SCOUT]


async def test_a_view_that_breaks_ends_the_catalog_loudly(store, monkeypatch):
    catalog = await Catalog.open(store, index=Index(lambda: datetime.now(UTC)), names=NameTable())
    running = asyncio.create_task(catalog.run())

    def broken(_puts, _removed):
        raise ZeroDivisionError

    monkeypatch.setattr(catalog.names, "apply", broken)
    with pytest.raises(UnavailableError):
        await catalog.register(batch(model()))
    with pytest.raises(ExceptionGroup) as raised:
        await running
    assert raised.group_contains(ZeroDivisionError)
    with pytest.raises(UnavailableError):
        await catalog.register(batch(model()))
