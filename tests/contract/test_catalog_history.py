"""What readers see: views in step, the past, a restart."""

import pytest

from airegistry.errors import (
    CompactedError,
    RevisionInFutureError,
)
from registry import upkeep
from registry.requests import (
    Deregistration,
)
from registry.upkeep import Upkeep
from tests.contract.stores import running_catalog
from tests.orders import batch, endpoint, model


async def test_every_view_is_at_the_revision_of_the_last_write(catalog):
    await catalog.register(batch(model()))
    assert catalog.revision == catalog.index.revision == catalog.feed.newest == 1
    assert catalog.names.resolve("a") == ("models/a",)
    await catalog.deregister(Deregistration(name="models/a"))
    assert catalog.index.revision == 2
    assert catalog.names.resolve("a") == ()


async def test_a_restart_shows_the_same_bytes_and_the_same_history(open_catalog):
    async with open_catalog() as catalog:
        await catalog.register(batch(model("a"), endpoint(), labels_of_many()))
        await catalog.register(batch(model("a", "new")))
        await catalog.deregister(Deregistration(name="models/a/endpoints/x"))
        entries = {name: entry.wire for name, entry in catalog.entries.items()}
        history = await anext(catalog.feed.follow(0))
    async with open_catalog() as catalog:
        assert {name: entry.wire for name, entry in catalog.entries.items()} == entries
        assert [shape(one) for one in await anext(catalog.feed.follow(0))] == [shape(one) for one in history]
        assert catalog.names.resolve("a") == ("models/a",)
        assert (await catalog.register(batch(model("a", "new")))).unchanged_count == 1


def labels_of_many():
    return model("many", labels={f"key-{i}": str(i) for i in range(40)})


def shape(revision):
    return [(e.revision, e.name, e.old and e.old.wire, e.new and e.new.wire) for e in revision.events]


async def test_the_past_can_be_read_as_it_was(catalog):
    await catalog.register(batch(model("a", "one"), model("b")))
    await catalog.register(batch(model("a", "two"), model("c")))
    await catalog.deregister(Deregistration(name="models/a"))
    await catalog.register(batch(model("a", "three")))
    past = catalog.at(1)
    assert list(past) == ["models/a", "models/b"]
    assert past["models/a"].resource.model.description == "one"
    assert list(catalog.at(3)) == ["models/b", "models/c"]
    assert catalog.at(4) == catalog.entries
    with pytest.raises(RevisionInFutureError):
        catalog.at(5)


async def test_compacted_history_is_gone_in_memory_and_after_a_restart(open_store, clock):
    settings = Upkeep(keep_revisions=2, keep_history=60)
    async with open_store() as store, running_catalog(store) as catalog:
        for i in range(5):
            await catalog.register(batch(model(f"m{i}")))
        assert not await upkeep.compact_step(catalog.feed, store, settings)
        clock.time += 61
        assert await upkeep.compact_step(catalog.feed, store, settings)
        assert not await upkeep.compact_step(catalog.feed, store, settings)
        assert catalog.feed.oldest == 4
    async with open_store() as store, running_catalog(store) as catalog:
        assert (catalog.feed.oldest, catalog.revision, len(catalog.entries)) == (4, 5, 5)
        with pytest.raises(CompactedError):
            catalog.at(2)
