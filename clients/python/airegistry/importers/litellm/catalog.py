"""LiteLLM's price map as a catalog: a Model for each (provider, upstream id), below it an Endpoint for each region.

Endpoints have no credential: they are listed, discoverable when asked for, and never invoked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from airegistry.importers.files import SourceFile, read_file
from airegistry.importers.identifiers import Original, assign_ids
from airegistry.importers.litellm.entries import Entry, entries_of
from airegistry.importers.litellm.facts import (
    capabilities_in,
    left_out,
    limits_of,
    model_of,
    rate_limits_of,
    region_of,
)
from airegistry.importers.litellm.prices import price_list
from airegistry.importers.providers import PROVIDERS, Access
from airegistry.importers.report import Catalog, Note
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Model
from airegistry.resources.names import slug
from airegistry.resources.provenance import Provenance
from airegistry.resources.resource import Resource

SOURCE = "litellm"
MAP = "model_prices_and_context_window_backup.json"


def read_installed(*, retrieved: datetime | None = None) -> SourceFile:
    """Read the map of the installed package `litellm`, which is not imported. Raises ImportError when there is none."""
    spec = find_spec(SOURCE)
    folders = spec.submodule_search_locations if spec is not None else None
    path = next((path for folder in folders or () if (path := Path(folder) / MAP).is_file()), None)
    if path is None:
        raise ImportError(f"there is no installed {SOURCE} with a price map")
    try:
        found = version(SOURCE)
    except PackageNotFoundError:
        found = ""
    return read_file(path, SOURCE, found, retrieved=retrieved)


def read_path(path: Path, *, retrieved: datetime | None = None) -> SourceFile:
    """Read a map; one that lies where pip put it has a version. Raises OSError, or ValueError when it is too large."""
    beside = sorted(path.resolve().parent.parent.glob(f"{SOURCE}-*.dist-info"))
    found = beside[0].name.removeprefix(f"{SOURCE}-").removesuffix(".dist-info") if len(beside) == 1 else ""
    return read_file(path, SOURCE, found, retrieved=retrieved)


def to_catalog(file: SourceFile, *, advance: Callable[[int, int], None] | None = None) -> Catalog:
    """Map LiteLLM's price map to resources. Raises ValueError when the file holds none."""
    notes: list[Note] = []
    entries = list(entries_of(file.read_object(), notes))
    groups = _by_model(_once(entries, notes))
    if not groups:
        raise ValueError("it has no entry with a litellm_provider")
    ids, collisions = assign_ids(groups)
    names = {entry.key: f"models/{ids[entry.original]}" for entry in entries}
    resources: list[Resource] = []
    for done, group in enumerate(groups.values(), 1):
        resources += _resources(names, group, file.provenance, notes)
        if advance is not None:
            advance(done, len(groups))
    source = f"{SOURCE} {file.provenance.source_version}".strip()
    return Catalog(source, tuple(sorted(resources, key=lambda resource: resource.name)), tuple(notes), collisions)


def _once(entries: Iterable[Entry], notes: list[Note]) -> Iterable[Entry]:
    """Return one entry for each (model, region, kind of call): of several the one whose key names the provider."""
    found: dict[tuple[Original, str, tuple[tuple[str, str], ...]], Entry] = {}
    for entry in entries:
        key = (entry.original, entry.region, tuple(sorted(entry.variant.items())))
        other = found.get(key)
        if other is None:
            found[key] = entry
            continue
        kept, left = (entry, other) if len(entry.key) > len(other.key) else (other, entry)
        found[key] = kept
        alike = kept.fields == left.fields
        notes.append(
            Note(left.key, f"listed twice, {'alike' if alike else 'differently'}: left out", f"for {kept.key}")
        )
    return found.values()


def _by_model(entries: Iterable[Entry]) -> dict[Original, list[Entry]]:
    """Return the entries of each model, the most general one first."""
    groups: dict[Original, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.original].append(entry)
    for group in groups.values():
        group.sort(key=lambda entry: (len(entry.variant), entry.region))
    return groups


def _resources(
    names: Mapping[str, str], entries: Sequence[Entry], provenance: Provenance, notes: list[Note]
) -> Iterable[Resource]:
    first = entries[0]
    name = names[first.key]
    by_region: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_region[entry.region].append(entry)
    notes += (note for entry in entries for note in left_out(entry, first))
    model = model_of(first, _cited(first, provenance), notes, replacement=_successor(first, names, notes))
    yield Resource(name=name, model=model)
    for region, group in by_region.items():
        id_ = f"{first.original.provider}.{region}" if region else first.original.provider
        endpoint = _endpoint(group, model, provenance, notes)
        yield Resource(name=f"{name}/endpoints/{slug(id_)}", endpoint=endpoint)


def _successor(entry: Entry, names: Mapping[str, str], notes: list[Note]) -> str:
    """Return the name of the model that comes after one; a region's is that of all regions."""
    told = entry.fields.get("successor_model")
    name = names.get(told, "") if isinstance(told, str) else ""
    if told is not None and name in {"", names[entry.key]}:
        notes.append(Note(entry.key, "its successor is no other entry", str(told)[:64]))
        return ""
    return name


def _endpoint(entries: Sequence[Entry], model: Model, provenance: Provenance, notes: list[Note]) -> Endpoint:
    entry = entries[0]
    cited = _cited(entry, provenance)
    access = PROVIDERS.get(entry.original.provider)
    if access is None:
        notes.append(Note(entry.key, "address unknown: listed, never invoked"))
    limits = limits_of(entry, [])
    told = {name: can for name, can in capabilities_in(entry).items() if model.capabilities.get(name) != can}
    return Endpoint(
        provider=entry.original.provider,
        address=access.address if access is not None else "",
        upstream_model=entry.original.id,
        communication=_communication(access, entry),
        prices=price_list(entries, cited, notes),
        rate_limits=rate_limits_of(entry, notes),
        region=region_of(entry, notes),
        limits=limits if limits != model.limits else None,
        capabilities=told | dict(access.capabilities_of(entry.original.id) if access is not None else {}),
        provenance=cited,
    )


def _communication(access: Access | None, entry: Entry) -> Communication | None:
    if access is None:
        return None
    dialects = {
        "chat": access.chat,
        "embedding": access.embeddings,
        "image_generation": access.images,
        "responses": access.responses,
    }
    return access.communication(dialects.get(entry.mode, ""), entry.original.id)


def _cited(entry: Entry, provenance: Provenance) -> Provenance:
    """Return the provenance of an entry: it names the page that its facts are said to be from."""
    page = entry.fields.get("source")
    return replace(provenance, url=page) if isinstance(page, str) and page else provenance
