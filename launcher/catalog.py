"""The real catalog, loaded once for each of its versions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from airegistry.cli.importing import import_catalog
from airegistry.cli.progress import progress
from airegistry.cli.session import Session
from airegistry.client import RegistryClient
from airegistry.errors import NotFoundError
from airegistry.importers.genai_prices import read_catalog
from airegistry.importers.report import Catalog
from airegistry.resources.resource import Resource


async def load_catalog(client: RegistryClient, session: Session) -> str:
    """Import the catalog unless this version of it is there already, and say in a line what was done.

    So what somebody deregistered since stays away until there is a new version.
    """
    catalog = await asyncio.to_thread(read_catalog, retrieved=datetime.now(UTC))
    if await _loaded(client, catalog):
        return f"{catalog.source} is there already"
    with progress(session, "Loading the catalog") as advance:
        imported = await import_catalog(client, catalog, advance=advance)
    return f"{imported.source}: {imported.created_count:,} created, {imported.updated_count:,} updated"


async def _loaded(client: RegistryClient, catalog: Catalog) -> bool:
    """Say whether the resource that an import registers last is there, in the catalog's version."""
    last = max(catalog.resources, key=lambda resource: (resource.name.count("/"), resource.name))
    try:
        there = await client.get(last.name)
    except NotFoundError:
        return False
    return _version(there) == _version(last)


def _version(resource: Resource) -> str | None:
    endpoint = resource.endpoint
    return endpoint.provenance.source_version if endpoint is not None and endpoint.provenance is not None else None
