"""Catalogs that share a database: they agree in the end, and of many attempts some win."""

import asyncio

LONG = 60.0


async def agree(catalogs):
    """All show the same, to the byte, and have the same history."""
    shown = []
    for catalog in catalogs:
        revision = await catalog.catch_up()
        history = [
            (one.number, event.name, event.old and event.old.wire, event.new and event.new.wire)
            for one in reversed(list(catalog.feed.since(catalog.feed.oldest - 1)))
            for event in one.events
        ]
        assert catalog.revision == catalog.index.revision == revision
        shown.append(({name: entry.wire for name, entry in catalog.entries.items()}, history))
    assert all(one == shown[0] for one in shown)
    return shown[0]


async def gather(*attempts):
    return await asyncio.gather(*attempts, return_exceptions=True)


def won(outcomes):
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
