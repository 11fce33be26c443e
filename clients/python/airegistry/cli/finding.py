"""What auto-register finds, source by source, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airegistry.cli.files import read_files
from airegistry.cli.importing import import_catalog, known_resources
from airegistry.cli.registering import register_all
from airegistry.importers import ollama
from airegistry.importers.keys import open_with

if TYPE_CHECKING:
    from airegistry.client import RegistryClient

MAX_TAGS_BYTES = 8 * 1024 * 1024
OLLAMA_TIMEOUT = 5.0
"""Seconds for the whole answer of an Ollama; it is on this machine or near it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one source gave."""

    source: str
    created_count: int = 0
    updated_count: int = 0
    unchanged_count: int = 0
    notes: tuple[str, ...] = ()


def nothing(source: str, note: str) -> Found:
    """Return that a source gave nothing, and why."""
    return Found(source, notes=(note,))


async def from_file(client: RegistryClient, file: str, *, validate_only: bool) -> Found:
    """Register what a file says."""
    resources = read_files([file])
    done = await register_all(client, resources, validate_only=validate_only)
    return Found(file, done.created_count, done.updated_count, done.unchanged_count)


async def from_keys(client: RegistryClient, keys: Sequence[str], *, validate_only: bool) -> list[Found]:
    """Name each key on the endpoints that it opens. One request for all, since models may share an alias."""
    opened = open_with(keys, await known_resources(client))
    if opened.resources:
        await register_all(client, opened.resources, validate_only=validate_only)
    updated = {
        key: sum(r.endpoint is not None and r.endpoint.credential == key for r in opened.resources) for key in keys
    }
    aliased = sum(resource.model is not None for resource in opened.resources)
    found = [
        Found(
            key,
            updated_count=updated[key],
            unchanged_count=opened.count[key] - updated[key],
            notes=_advice(opened.count[key]),
        )
        for key in keys
    ]
    if aliased:
        found.append(Found("aliases of models that can be invoked now", updated_count=aliased))
    return found


async def from_ollama(client: RegistryClient, url: str, *, validate_only: bool) -> Found:
    """Register the models of an Ollama; that there is none is worth a note."""
    source = f"Ollama at {url}"
    try:
        body = await _tags(url.rstrip("/"))
    except OSError:
        return nothing(source, "does not answer")
    except TimeoutError:
        return nothing(source, f"did not answer within {OLLAMA_TIMEOUT:g} s")
    except ValueError as error:
        return nothing(source, f"is something else: {error}")
    try:
        catalog = ollama.to_catalog(body, url, await known_resources(client))
    except ValueError as error:
        return nothing(source, f"is something else: {error}")
    imported = await import_catalog(client, catalog, validate_only=validate_only)
    notes = tuple(
        f"{note.subject}: {note.reason} {note.detail}".strip() for note in (*imported.notes, *imported.conflicts)
    )
    return Found(source, imported.created_count, imported.updated_count, imported.unchanged_count, notes)


async def _tags(url: str) -> bytes:
    """Return the answer of `/api/tags`. Raises OSError, TimeoutError, or ValueError when it is no good answer."""
    import aiohttp

    async with asyncio.timeout(OLLAMA_TIMEOUT), aiohttp.ClientSession() as session:
        try:
            async with session.get(f"{url}/api/tags", allow_redirects=False) as answer:
                body = await answer.content.read(MAX_TAGS_BYTES + 1)
                while len(body) <= MAX_TAGS_BYTES and (more := await answer.content.read(MAX_TAGS_BYTES + 1)):
                    body += more
        except aiohttp.ClientError as error:
            raise OSError(str(error) or type(error).__name__) from error
    if answer.status != 200:  # noqa: PLR2004 - OK
        raise ValueError(f"it answers {answer.status}")
    if len(body) > MAX_TAGS_BYTES:
        raise ValueError(f"it answers more than {MAX_TAGS_BYTES} bytes")
    return body


def _advice(opened: int) -> tuple[str, ...]:
    if opened:
        return ("the gateway needs it in its environment, too",)
    return ("opens nothing that is registered: `airegistry import genai-prices` loads the catalog",)
