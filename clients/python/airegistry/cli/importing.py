"""Bringing a catalog into a registry: what is there already is kept, what is stated is put over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airegistry.cli.registering import Registered, register_all
from airegistry.client import RegistryClient
from airegistry.importers.merge import changed, merge_all
from airegistry.importers.placing import place
from airegistry.importers.report import Catalog, Note
from airegistry.resources.resource import Resource

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: the counts, and everything that a person should know, whole."""

    source: str
    created_count: int
    updated_count: int
    unchanged_count: int
    revision: int
    notes: tuple[Note, ...]
    conflicts: tuple[Note, ...]
    collisions: tuple[Note, ...]


async def import_catalog(
    client: RegistryClient,
    catalog: Catalog,
    *,
    advance: Callable[[int, int], None] | None = None,
    validate_only: bool = False,
    prevail: bool = False,
) -> Imported:
    """Register what a catalog changes, and nothing else; it removes nothing.

    What another source says stays, unless the catalog is to *prevail*; either way it is listed as a conflict.
    """
    existing = await known_resources(client)
    placed = place(catalog, existing)
    wanted, conflicts = merge_all(placed.resources, existing, prevail=prevail)
    fresh = [resource for resource in wanted if changed(resource, existing.get(resource.name))]
    if fresh:
        done = await register_all(client, fresh, advance=advance, validate_only=validate_only)
    else:
        done = Registered(await _revision(client))
    return Imported(
        source=catalog.source,
        created_count=done.created_count,
        updated_count=done.updated_count,
        unchanged_count=done.unchanged_count + len(wanted) - len(fresh),
        revision=done.revision,
        notes=placed.notes,
        conflicts=tuple(conflicts),
        collisions=placed.collisions,
    )


async def known_resources(client: RegistryClient) -> dict[str, Resource]:
    """Return the models and endpoints that are registered, by name."""
    known: dict[str, Resource] = {}
    for collection in ("models", "models/-/endpoints"):
        async for resource in client.list(collection, page_size=_PAGE):
            known[resource.name] = resource
    return known


async def _revision(client: RegistryClient) -> int:
    return (await client.list_page("routes", page_size=1)).revision
