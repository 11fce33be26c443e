"""Registers batches from many writers at once, and tells each acknowledged one on stdout, until it is killed.

Started by `test_kill9.py` with the data folder and the number of the round; further arguments name a beginning of an SQL
statement, and at which of those that begin so the process kills itself, before the statement runs.
"""

import asyncio
import itertools
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from airegistry.discovery.index import Index
from airegistry.discovery.naming import NameTable
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from registry.catalog import Catalog
from registry.requests import Deregistration, RegisterBatch
from registry.store.sqlite import SqliteStore

WRITERS = 8


def acknowledged(revision, names):
    os.write(1, f"{revision} {','.join(names)}\n".encode())


async def write(catalog, writer):
    """Register large batches of models beside one that always changes; remove one of each second batch."""
    for n in itertools.count():
        size = 1 + 7 * n % 40
        names = [f"models/{writer}-{n}-{i}-of-{size}" for i in range(size)]
        fresh = [Resource(name=name, model=Model(description="x" * 8000)) for name in names]
        shared = Resource(name=f"models/{writer}", model=Model(description=str(n)))
        batch = RegisterBatch(
            resources=(*fresh, shared), lease_ttl=3600, owner_id=f"owner-{writer}", request_id=f"{writer}-{n}"
        )
        acknowledged((await catalog.register(batch)).revision, [*names, shared.name])
        if n % 2:
            gone = await catalog.deregister(Deregistration(name=names[0], owner_id=f"owner-{writer}"))
            acknowledged(gone.revision, gone.names)


def dying_at(statement, times):
    left = itertools.count(int(times), -1)

    def trace(sql):
        if sql.strip().startswith(statement) and next(left) == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    return trace


async def main(folder, round_, *death):
    store = SqliteStore(Path(folder))
    if death:
        await store._run(lambda: store._connection.set_trace_callback(dying_at(*death)))
    catalog = await Catalog.open(store, index=Index(lambda: datetime.now(UTC)), names=NameTable())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(catalog.run())
        for i in range(WRITERS):
            tasks.create_task(write(catalog, f"r{round_}w{i}"))


asyncio.run(main(*sys.argv[1:]))
