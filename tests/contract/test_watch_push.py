"""A stream that sleeps is told of a change without its handler, where its carrier has room."""

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager

import pytest

from airegistry.v1 import registry_service_pb2 as pb
from registry.rpc.watches import Watches, WatchLimits
from tests.clocks import Clock
from tests.orders import batch, model


class Carrier:
    """A call whose carrier takes so many messages without waiting, and then none until it is emptied."""

    method, peer, principal = "/Watch", "test", ""
    metadata: Mapping[str, str] = {}

    def __init__(self, room):
        self.clock = Clock()
        self.room = room
        self.sent, self.pushed = [], []
        self.emptied = asyncio.Event()
        self.ended = asyncio.get_running_loop().create_future()

    def ready(self):
        return len(self.pushed) < self.room

    def send_now(self, message):
        self.pushed.append(pb.WatchResponse.FromString(message))

    async def send(self, message):
        self.sent.append(pb.WatchResponse.FromString(message))
        if not self.ready() and self.room:
            await self.emptied.wait()

    def end(self, error):
        self.ended.set_result(error)

    def time_left(self):
        return None

    def cancelled(self):
        return False


@asynccontextmanager
async def watching(catalog, room, **limits):
    call = Carrier(room)
    watches = Watches(catalog, WatchLimits(**limits), now=call.clock)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(watches.run()), tasks.create_task(watches.watch(pb.WatchRequest(), call))]
        await until(lambda: call.sent and all(stream.asleep is not None for stream in watches.streams))
        yield call
        for task in running:
            task.cancel()


async def until(said):
    async with asyncio.timeout(30):
        while not said():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)


def revisions(messages):
    return [event.revision for message in messages for event in message.events]


async def test_changes_are_told_from_outside_the_handler(catalog):
    async with watching(catalog, room=9) as call:
        for number in range(3):
            await catalog.register(batch(model(f"m{number}")))
            await until(lambda: len(revisions(call.pushed)) > number)  # noqa: B023 - waited for at once
    assert revisions(call.pushed) == [1, 2, 3]
    assert revisions(call.sent) == []


async def test_what_the_carrier_has_no_room_for_is_left_to_the_handler_in_its_order(catalog):
    async with watching(catalog, room=1) as call:
        await catalog.register(batch(model("a")))
        await until(lambda: call.pushed)
        await catalog.register(batch(model("b")))
        await until(lambda: revisions(call.sent))
        await catalog.register(batch(model("c")))
        call.emptied.set()
        await until(lambda: len(revisions(call.sent)) > 1)
    assert (revisions(call.pushed), revisions(call.sent)) == ([1], [2, 3])


async def test_a_carrier_that_never_has_room_gets_everything_from_the_handler(catalog):
    async with watching(catalog, room=0) as call:
        await catalog.register(batch(model("a")))
        await until(lambda: revisions(call.sent))
    assert (call.pushed, revisions(call.sent)) == ([], [1])


async def test_a_push_that_nobody_takes_ends_the_stream(catalog):
    async with watching(catalog, room=1, stall_timeout=5) as call:
        await catalog.register(batch(model("a")))
        await until(lambda: call.pushed)
        call.clock.time += 6
        error = await asyncio.wait_for(call.ended, 30)
    assert "nothing of this watch was read" in str(error)


async def test_a_push_that_was_taken_does_not(catalog):
    async with watching(catalog, room=1, stall_timeout=5) as call:
        await catalog.register(batch(model("a")))
        await until(lambda: call.pushed)
        call.room = 9
        call.clock.time += 6
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(call.ended), 0.5)
