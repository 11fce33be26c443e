"""The best models for what is wanted, ranked by the registry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, Unpack

from airegistry.client.analytics import REGISTRY_ADDRESS
from airegistry.client.messages import DiscoverResponse
from airegistry.client.registry import RegistryClient
from airegistry.discovery.answers import Candidate
from airegistry.discovery.exclusions import UNKNOWN_MAY_PASS, in_words
from airegistry.errors import NoCandidateError
from airegistry.models.wanting import Wanted, arguments_named, query_of
from airegistry.resources.requirements import DiscoverQuery

_LIMIT = 10


class Finder(Protocol):
    """Who can discover: a `RegistryClient`, or a `Client`."""

    async def discover(self, query: DiscoverQuery | None = None, *, limit: int = 0) -> DiscoverResponse:
        """Find the best."""
        ...


async def find_models(
    task: str = "", *, registry: Finder | str = REGISTRY_ADDRESS, limit: int = _LIMIT, **wanted: Unpack[Wanted]
) -> tuple[Candidate, ...]:
    """Return the best endpoints of models, the best first, at most 100; empty where none is left.

    *registry* is a client, which is used, or an address, which is connected to for this call. Raises InvalidArgumentError
    naming the argument, and what a call raises.
    """
    return (await _found(task, registry, limit, wanted)).candidates


async def discover_model(
    task: str = "", *, registry: Finder | str = REGISTRY_ADDRESS, **wanted: Unpack[Wanted]
) -> Candidate:
    """Return the best endpoint of a model: `discover_model("text-generation", max_latency=5, min_reliability=0.9)`.

    Raises NoCandidateError where none is left; it says what excluded the others, and counts them by reason in its `metadata`.
    """
    found = await _found(task, registry, 1, wanted)
    if not found.candidates:
        raise _nobody(task, found)
    return found.candidates[0]


async def _found(task: str, registry: Finder | str, limit: int, wanted: Wanted) -> DiscoverResponse:
    query = query_of(task, wanted)
    async with _finder(registry) as finder:
        with arguments_named(wanted):
            return await finder.discover(query, limit=limit)


@asynccontextmanager
async def _finder(registry: Finder | str) -> AsyncIterator[Finder]:
    """Lend who can discover; a connection of our own is closed behind it."""
    if not isinstance(registry, str):
        yield registry
        return
    async with RegistryClient(registry) as client:
        yield client


def _nobody(task: str, found: DiscoverResponse) -> NoCandidateError:
    counts = {each.reason.name.lower(): str(each.count) for each in found.exclusions if each.reason is not None}
    lines = [in_words(found.exclusions) or "the registry holds no endpoint"]
    if any(each.reason in UNKNOWN_MAY_PASS for each in found.exclusions):
        lines.append("what is not known is no pass unless allow_unknown names it")
    wanted = f"no model for {task!r}" if task else "no model"
    return NoCandidateError(f"{wanted} is as wanted: {'; '.join(lines)}", metadata=counts)
