"""Keeping resources registered for as long as their holder lives."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from airegistry import background
from airegistry.client.messages import HeartbeatResponse, LeaseRenewal, LeaseResult
from airegistry.client.registry import RegistryClient
from airegistry.errors import (
    AlreadyExistsError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    RegistryError,
    UnauthenticatedError,
)
from airegistry.lease import Lease, LeaseState
from airegistry.resources.resource import AgentState, Health, Resource

log = logging.getLogger(__name__)

LEASE_TTL = 30.0
CLOSING = 2.0
"""Seconds that letting go may take; after that the leases run out by themselves."""

_REFUSALS = (AlreadyExistsError, InvalidArgumentError, NotFoundError, PermissionDeniedError, UnauthenticatedError)


class LeaseKeeper:
    """Registers up to 1,000 resources with a lease, renews it, and registers again when it is lost.

    As a context manager it runs in the background. Who has a task group of its own runs `run` there and calls `close`.
    Give the same *owner_id* after a restart (see `owner_id_file`), and the leases go on.
    """

    def __init__(
        self,
        client: RegistryClient,
        resources: Iterable[Resource],
        *,
        owner_id: str,
        ttl: float = LEASE_TTL,
        deregister: bool = True,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.owner_id = owner_id
        self.error: RegistryError | None = None
        self._client = client
        self._resources = tuple(resources)
        self._ttl = ttl
        self._deregister = deregister
        self._now = now
        self._lease = Lease(ttl, now=now, rng=random.Random())
        self._reports = {resource.name: LeaseRenewal(resource.name) for resource in self._resources}
        self._woken = asyncio.Event()
        self._held = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        # A registration may have been taken whose answer never came, and a change of state may not have been told.
        self._may_be_held = False
        self._untold = False

    @property
    def state(self) -> LeaseState:
        """How the leases stand; `error` says why where it is not HELD."""
        return self._lease.state

    async def __aenter__(self) -> Self:
        self._running = background.start(self.run(), "lease keeper")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def wait_until_held(self) -> None:
        """Wait until the resources are registered."""
        await self._held.wait()

    def report(
        self,
        name: str,
        *,
        health: Health | None = None,
        agent_state: AgentState | None = None,
        load: float | None = None,
    ) -> None:
        """Say how a resource is; what is given is repeated until it is said anew. A change of state is sent at once."""
        old = self._reports[name]
        new = LeaseRenewal(
            name, health or old.health, agent_state or old.agent_state, old.load if load is None else load
        )
        self._reports[name] = new
        if _states_differ(new, old):
            self._untold = True
            self._lease.changed()
            self._woken.set()

    async def run(self) -> None:
        """Keep the leases, without an end."""
        while True:
            await self._wait_until_due()
            await self._step()

    async def close(self) -> None:
        """Stop renewing, and deregister, or say how the resources are where the keeper was told to leave them to the lease."""
        await background.end(self._running)
        held = self._lease.state is LeaseState.HELD
        self._lease.close()
        if self._deregister:
            if held or self._may_be_held:
                await self._last_words("deregister", self._let_go())
        elif held and self._untold:
            await self._last_words("say how they are", self._tell())

    async def _wait_until_due(self) -> None:
        while (delay := self._lease.due - self._now()) > 0:
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._woken.wait()

    async def _step(self) -> None:
        asked = self._now()
        try:
            if self._lease.must_register:
                await self._register(asked)
            else:
                await self._renew(asked)
        except _REFUSALS as error:
            self._may_be_held = False
            self._note(error)
            self._lease.refused()
        except RegistryError as error:
            self._note(error)
            self._lease.failed(retry_after=error.retry_after)
        else:
            self._note(None)

    async def _register(self, asked: float) -> None:
        self._may_be_held = True
        response = await self._client.register(self._resources, lease_ttl=self._ttl, owner_id=self.owner_id)
        self._may_be_held = False
        self._lease.granted(response.lease_ttl or self._ttl, asked=asked)
        self._held.set()
        if any(replace(report, name="") != LeaseRenewal() for report in self._reports.values()):
            # What was reported before is not part of the registration.
            self._lease.changed()

    async def _renew(self, asked: float) -> None:
        told = tuple(self._reports.values())
        response = await self._tell()
        ttls = [result.lease_ttl for result in response.results if result.lease_ttl is not None]
        if len(ttls) == len(told):
            self._lease.granted(min(ttls), asked=asked)
            self._untold = any(_states_differ(self._reports[said.name], said) for said in told)
            if self._untold:
                # What was reported since then waits for no renewal.
                self._lease.changed()
        else:
            log.warning("leases are gone, registering again: %s", _reasons(response.results))
            self._lease.expired()

    async def _tell(self) -> HeartbeatResponse:
        return await self._client.heartbeat(tuple(self._reports.values()), owner_id=self.owner_id)

    async def _let_go(self) -> None:
        for name in sorted(self._reports, reverse=True):
            await self._client.deregister(name, owner_id=self.owner_id, allow_missing=True)

    async def _last_words(self, what: str, words: Awaitable[object]) -> None:
        try:
            async with asyncio.timeout(CLOSING):
                await words
        except (RegistryError, TimeoutError) as error:
            log.warning("could not %s, the leases run out by themselves: %s", what, error)

    def _note(self, error: RegistryError | None) -> None:
        if error is not None and type(error) is not type(self.error):
            log.warning("cannot keep leases, trying on: %s", error)
        self.error = error


def owner_id_file(path: Path) -> str:
    """Return the owner id that the file holds; a new one is made and kept there when there is no file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    fresh.write_text(f"{uuid.uuid4()}\n")
    try:
        # Unlike a rename, a link does not replace the id that another process wrote at the same time.
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()
    return path.read_text().strip()


def _states_differ(one: LeaseRenewal, other: LeaseRenewal) -> bool:
    return (one.health, one.agent_state) != (other.health, other.agent_state)


def _reasons(results: Iterable[LeaseResult]) -> str:
    return ", ".join(sorted({result.error.reason for result in results if result.error is not None}))
