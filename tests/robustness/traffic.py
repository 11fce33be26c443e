"""Clients that write, hold leases and read, each with a random generator of its own, until they are told to stop."""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid
from collections.abc import Iterable

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.resource_pb2 import HEALTH_DEGRADED, HEALTH_SERVING
from tests.robustness.calling import Caller, Request
from tests.robustness.history import Fate, Level, Sent, Write
from tests.robustness.payloads import COLLECTIONS, any_name, batch_of_names, resource
from tests.robustness.versions import TOKEN, Version

PATIENCE = 4.0
"""How long a call may take, in seconds."""
HASTE = 0.01
"""The deadline of a few: long enough to be sent, often too short to be answered."""

_UNSENT = Sent("", 0, 0.0, 0.0, Fate.LOST)


class Client:
    """What all clients share: a generator, a replica for each call, and a deadline."""

    def __init__(self, caller: Caller, rng: random.Random) -> None:
        self.caller = caller
        self.rng = rng
        self._tokens = (f"{caller.client}-{n}" for n in itertools.count())

    def token(self) -> str:
        """Return a token for the next write."""
        return next(self._tokens)

    def replica(self) -> int:
        """Choose whom to ask."""
        return self.rng.randrange(len(self.caller.stubs))

    def patience(self) -> float:
        """Choose a deadline."""
        return HASTE if self.rng.random() < 0.04 else PATIENCE

    async def write(self, request: Request, asked: Write) -> Write:
        """Write; a lost answer of a request with an id is asked for again, with the same id, perhaps elsewhere."""
        done = await self.caller.write(self.replica(), request, asked, self.patience())
        for _ in range(self.rng.choice((0, 1, 8)) if asked.request_id else 0):
            # An answered one is at times asked again, too: it has to get the same answer.
            if done.sent.fate is Fate.REFUSED or (done.sent.ok and self.rng.random() < 0.8):
                break
            await asyncio.sleep(self.rng.random() * 0.3)
            done = await self.caller.write(self.replica(), request, asked, PATIENCE)
        return done


class Writer(Client):
    """Registers, updates and removes what the other writers do, too, and something of its own."""

    def __init__(self, caller: Caller, rng: random.Random) -> None:
        super().__init__(caller, rng)
        self._known: dict[str, Version] = {}
        self._own: pb.RegisterRequest | None = None

    async def run(self, stop: asyncio.Event, pause: float) -> None:
        """Write until *stop*."""
        while not stop.is_set():
            step = self.rng.choices((self._register, self._update, self._deregister, self._repeat), (5, 5, 2, 1))[0]
            done = await step()
            for version in done.shown:
                self._known[version.name] = version
            for name in done.removed:
                # Kept at times: a stale etag has to be refused.
                if self.rng.random() < 0.7:
                    self._known.pop(name, None)
            # Who is not answered asks again somewhat later.
            await asyncio.sleep(self.rng.random() * (0.5 if done.sent.fate is Fate.LOST else 2 * pause))

    async def _register(self) -> Write:
        token, rng = self.token(), self.rng
        names = batch_of_names(rng)
        request = pb.RegisterRequest(
            resources=[resource(name, token, rng) for name in names],
            create_only=rng.random() < 0.15,
            request_id=self._request_id(),
        )
        etags = self._expect(names) if rng.random() < 0.25 else {}
        for message in request.resources:
            message.etag = etags.get(message.name, "")
        asked = Write(
            _UNSENT, "register", token, tuple(names), request.request_id, etags, create_only=request.create_only
        )
        return await self.write(request, asked)

    async def _update(self) -> Write:
        token, name = self.token(), self._some_name()
        request = pb.UpdateRequest(
            resource=resource(name, token, self.rng),
            update_mask=FieldMask(paths=["labels"] if self.rng.random() < 0.5 else []),
            request_id=self._request_id(),
        )
        etags = self._expect([name]) if self.rng.random() < 0.4 else {}
        request.resource.etag = etags.get(name, "")
        asked = Write(_UNSENT, "update", token, (name,), request.request_id, etags)
        return await self.write(request, asked)

    async def _deregister(self) -> Write:
        name = self._some_name()
        etags = self._expect([name]) if self.rng.random() < 0.4 else {}
        request = pb.DeregisterRequest(
            name=name,
            etag=etags.get(name, ""),
            allow_missing=self.rng.random() < 0.3,
            request_id=self._request_id(),
        )
        asked = Write(
            _UNSENT,
            "deregister",
            self.token(),
            (name,),
            request.request_id,
            etags,
            allow_missing=request.allow_missing,
        )
        return await self.write(request, asked)

    async def _repeat(self) -> Write:
        """Register what only this client writes; when that was done before, once more: nothing may change."""
        if self._own is None or self.rng.random() < 0.5:
            token = self.token()
            name = f"models/own-{self.caller.client}"
            self._own = pb.RegisterRequest(resources=[resource(name, token, self.rng)])
        (message,) = self._own.resources
        asked = Write(_UNSENT, "register", message.labels[TOKEN], (message.name,))
        return await self.caller.write(self.replica(), self._own, asked, PATIENCE)

    def _some_name(self) -> str:
        known = sorted(self._known)
        return self.rng.choice(known) if known and self.rng.random() < 0.7 else any_name(self.rng)

    def _expect(self, names: Iterable[str]) -> dict[str, str]:
        return {name: self._known[name].etag for name in names if name in self._known}

    def _request_id(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128))) if self.rng.random() < 0.6 else ""


class Holder(Client):
    """Holds leases on *names*. A steady one renews them all the time; others fall silent at times, or lose them to another."""

    def __init__(self, caller: Caller, rng: random.Random, names: list[str], ttl: float, *, steady: bool) -> None:
        super().__init__(caller, rng)
        self._names = names
        self._ttl = ttl
        self._steady = steady
        self._owner = f"owner-{caller.client}"
        self._missing = True

    async def run(self, stop: asyncio.Event) -> None:
        """Hold until *stop*."""
        while not stop.is_set():
            if self._missing:
                await self._register(take_over=False)
            else:
                await self._renew()
            await asyncio.sleep(self._ttl / 4)
            if not self._steady and self.rng.random() < 0.15:
                await self._fall_silent(stop)

    async def _register(self, *, take_over: bool) -> None:
        token = self.token()
        request = pb.RegisterRequest(
            resources=[resource(name, token, self.rng) for name in self._names],
            owner_id=self._owner,
            take_over=take_over,
            request_id=str(uuid.UUID(int=self.rng.getrandbits(128))),
            lease_ttl=Duration(nanos=int(self._ttl * 1e9) % 10**9, seconds=int(self._ttl)),
        )
        asked = Write(
            _UNSENT,
            "register",
            token,
            tuple(self._names),
            request.request_id,
            take_over=take_over,
            owner=self._owner,
            ttl=self._ttl,
        )
        done = await self.write(request, asked)
        self._missing = not done.sent.ok

    async def _renew(self) -> None:
        renewals = [self._renewal(name) for name in self.rng.sample(self._names, len(self._names))]
        request = pb.HeartbeatRequest(renewals=renewals, owner_id=self._owner)
        done = await self.caller.heartbeat(self.replica(), request, PATIENCE)
        self._missing = any(done.results.values())

    def _renewal(self, name: str) -> pb.LeaseRenewal:
        renewal = pb.LeaseRenewal(name=name, load=self.rng.random())
        if self.rng.random() < 0.05:
            renewal.health = self.rng.choice((HEALTH_SERVING, HEALTH_DEGRADED))
        return renewal

    async def _fall_silent(self, stop: asyncio.Event) -> None:
        for _ in range(int(self._ttl * 2.5 * 10)):
            if stop.is_set():
                return
            await asyncio.sleep(0.1)
        if self.rng.random() < 0.3:
            # Somebody else comes, as if this one had died.
            self._owner = f"owner-{self.token()}"
            await self._register(take_over=self.rng.random() < 0.5)
        elif self.rng.random() < 0.5:
            self._missing = True


class Reader(Client):
    """Reads at every level of freshness, on every replica."""

    async def run(self, stop: asyncio.Event, pause: float) -> None:
        """Read until *stop*."""
        while not stop.is_set():
            level = self.rng.choice(tuple(Level))
            minimum = self.caller.seen if level is Level.NOT_OLDER_THAN else 0
            match self.rng.choices(("get", "list", "discover"), (6, 2, 2))[0]:
                case "get":
                    await self.caller.get(self.replica(), any_name(self.rng), level, PATIENCE, minimum)
                case "list":
                    collection = self.rng.choice(COLLECTIONS)
                    await self.caller.list(self.replica(), collection, level, PATIENCE, minimum)
                case _:
                    await self.caller.discover(self.replica(), level, PATIENCE, minimum)
            await asyncio.sleep(self.rng.random() * 2 * pause)
