"""Watchers that note every message, and go on behind every cut, on any replica."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from dataclasses import dataclass
from typing import Any

from google.protobuf.duration_pb2 import Duration
from grpc import aio

from airegistry.v1 import registry_service_pb2 as pb
from tests.calls import EOF
from tests.robustness.calling import Caller, fate_of
from tests.robustness.history import Ended, Fate, Message, Opened, Told
from tests.robustness.payloads import FILTERS
from tests.robustness.versions import Versions

SILENCE = 6.0
"""After so many seconds without even a bookmark, which are asked for every second, a stream counts as cut."""

_numbers = itertools.count(1)


@dataclass(slots=True)
class Place:
    """Where a watcher is: the newest token, the revision that it stands for, and the chain of streams that led there."""

    chain: int
    token: str = ""
    revision: int | None = None


class Watcher:
    """One watcher of one filter: it reads, stops reading, is cut, and resumes; at times it begins anew."""

    def __init__(self, caller: Caller, versions: Versions, filter_: str, rng: random.Random, *, first: int = 0) -> None:
        self.reached = first
        self._first = first
        self._caller = caller
        self._versions = versions
        self._filter = filter_
        self._rng = rng
        self._place = Place(next(_numbers))
        self._call: Any = None
        self._pause = 0.0

    def cut(self) -> None:
        """Cut the stream from this side."""
        if self._call is not None:
            self._call.cancel()

    def pause(self, seconds: float) -> None:
        """Stop reading for a while, as soon as the next message has come."""
        self._pause = seconds

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self._one_stream()
            if self._rng.random() < 0.1:
                self._place = Place(next(_numbers))
            await asyncio.sleep(self._rng.random() * 0.2)

    async def _one_stream(self) -> None:
        stream, replica = next(_numbers), self._rng.randrange(len(self._caller.stubs))
        request = self._request()
        resumed = bool(request.resume_token)
        position = self._place.revision if resumed else None
        if request.HasField("after_revision"):
            position = request.after_revision
        history = self._caller.history
        opened = Opened(
            stream, self._place.chain, self._caller.client, replica, time.monotonic(), self._filter, position, resumed
        )
        history.add(opened)
        self._call = call = self._caller.stubs[replica].Watch(request)
        known: dict[str, str] = {}
        fate, reason = Fate.OK, ""
        try:
            await self._read(call, stream)
        except aio.AioRpcError as error:
            fate, reason, known = fate_of(error)
        except TimeoutError:
            fate, reason = Fate.LOST, "SILENT"
        except asyncio.CancelledError:
            # Cut by `cut`, or for good: only the task knows.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            fate, reason = Fate.LOST, "CUT"
        finally:
            call.cancel()
            history.add(Ended(stream, time.monotonic(), fate, reason, known))
        if fate is Fate.REFUSED:
            # Compacted, or ahead of what is known there: from a snapshot.
            self._place = Place(next(_numbers))

    def _request(self) -> pb.WatchRequest:
        request = pb.WatchRequest(filter=FILTERS[self._filter][0], bookmark_interval=Duration(seconds=1))
        if self._place.token:
            request.resume_token = self._place.token
        elif self._caller.seen and self._rng.random() < 0.5:
            # From the past, from now, or from the future.
            request.after_revision = max(self._first, self._caller.seen - self._rng.choice((0, 0, 1, 5, 40, -1_000)))
        return request

    async def _read(self, call: Any, stream: int) -> None:
        while True:
            async with asyncio.timeout(SILENCE):
                message = await call.read()
            if message is EOF:
                return
            self._take(stream, message)
            if self._pause:
                pause, self._pause = self._pause, 0.0
                await asyncio.sleep(pause)

    def _take(self, stream: int, message: pb.WatchResponse) -> None:
        events = tuple(
            Told(int(event.type), event.revision, self._versions.of(event.resource)) for event in message.events
        )
        self._caller.history.add(
            Message(
                stream,
                time.monotonic(),
                int(message.kind),
                events,
                message.revision,
                message.resume_token,
                message.fragment,
            )
        )
        self._caller.seen = max(self._caller.seen, message.revision)
        if message.resume_token:
            self._place.token, self._place.revision = message.resume_token, message.revision
            self.reached = max(self.reached, message.revision)
