"""The stores that contracts are checked against, what is written to them, and catalogs on them."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from airegistry.discovery.index import Index
from airegistry.discovery.naming import NameTable
from airegistry.expressions.expression import compile_expression
from airegistry.resources.agent import Agent
from airegistry.resources.model import Model
from airegistry.resources.names import parse_name
from airegistry.resources.resource import Resource, ResourceKind
from registry.catalog import Catalog
from registry.entry import Draft, content_of
from registry.leases import Lease
from registry.store.records import Change, Expected, Write
from registry.upkeep import Upkeep

# Tests move the clock, and take the steps that the passing of time takes.
STILL = Upkeep(sweep_interval=3600, compact_interval=3600)

IDLE = "idle_in_transaction_session_timeout"


@asynccontextmanager
async def running_catalog(store, settings=STILL):
    catalog = await Catalog.open(store, index=Index(lambda: datetime.now(UTC), compile_expression), names=NameTable())
    running = asyncio.create_task(catalog.run(settings))
    try:
        yield catalog
    finally:
        catalog.feed.close()
        running.cancel()
        await asyncio.wait([running])


def draft(name="models/a", text="one"):
    kind = parse_name(name).kind
    spec = {"agent": Agent(description=text)} if kind is ResourceKind.AGENT else {"model": Model(description=text)}
    resource = Resource(name=name, uid="u", etag="e", **spec)
    return Draft(resource, kind, content_of(resource))


def put(name="models/a", text="one", old=None, **more):
    return Write((Change(old, draft(name, text)),), **more)


def remove(old, **more):
    return Write((Change(old, None),), **more)


def lease(name="models/a", **changes):
    return replace(Lease(name, "owner-me", ttl=30.0), **changes)


def hold(*leases):
    return Write(leases=leases)


async def commit(store, *writes, leases=None):
    """Write as the catalog does: what is changed is expected to be as it was found."""
    changes = [change for write in writes for change in write.changes]
    found = {change.name: change.old.revision if change.old is not None else 0 for change in changes}
    return (await store.commit(writes, Expected(found, leases or {}))).revisions


async def leases_of(store, *names):
    return {one.name: one for one in (await store.basis(names, ())).leases}
