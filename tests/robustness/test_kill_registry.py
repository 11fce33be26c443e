"""A registry process that is killed again and again keeps every promise to writers, watchers and the gateway."""

import asyncio
import itertools
import random
import re
import signal
from collections import Counter
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from airegistry import background
from airegistry.client import GatewayClient, RegistryClient
from airegistry.client.follower import Follower, WatchUpdate
from airegistry.client.messages import WatchFilter, WatchRequest
from airegistry.errors import DeadlineExceededError, UnavailableError
from airegistry.invocations.invocation import Settlement
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from tests import catalogs, providers
from tests.catalogs import chat
from tests.ports import free_address
from tests.providers import Provider, provider
from tests.robustness import validators
from tests.robustness.processes import Server, gateway_process, registry_process
from tests.robustness.validators import REMOVED
from tests.waiting import until

ROUNDS = 4
WRITERS = 4
LOST = (UnavailableError, DeadlineExceededError)
"""The caller does not know whether its write was done."""


@dataclass
class Acknowledged:
    """What the registry said that it had done: the names of each revision, and whether each was removed."""

    revisions: dict[int, dict[str, bool]] = field(default_factory=dict)

    def add(self, revision, names, *, removed=False):
        assert revision not in self.revisions, f"{revision} was acknowledged to two requests"
        self.revisions[revision] = dict.fromkeys(names, removed)


async def until_answered(ask):
    """Ask again and again until the registry answers; the request is the same each time."""
    while True:
        try:
            return await ask()
        except LOST:
            await asyncio.sleep(0.05)


def batch_of(writer, n):
    size = 1 + 7 * n % 23
    colour = "red" if n % 2 else "blue"
    return [
        Resource(
            name=f"models/{writer}-{n}-{i}-of-{size}", labels={"colour": colour}, model=Model(description="x" * 4000)
        )
        for i in range(size)
    ]


async def write(client, writer, acknowledged, stop):
    """Write until told to stop: batches that are created once, a resource that always changes, and removals.

    Every third batch is not tried again when its answer is lost. What is tried again would fail if it were done twice:
    what exists cannot be created, and what is gone cannot be removed.
    """
    for n in itertools.takewhile(lambda _: not stop.is_set(), itertools.count()):
        batch = batch_of(writer, n)
        names = [resource.name for resource in batch]
        if n % 3 == 2:
            with suppress(*LOST):
                acknowledged.add((await client.register(batch)).revision, names)
            await asyncio.sleep(0.01)
            continue
        done = await until_answered(
            lambda b=batch, i=f"{writer}-{n}": client.register(b, create_only=True, request_id=i)
        )
        acknowledged.add(done.revision, names)
        shared = Resource(
            name=f"models/{writer}", labels={"colour": "red" if n % 4 else "blue"}, model=Model(description=f"{n}")
        )
        done = await until_answered(lambda r=shared, i=f"{writer}-{n}-shared": client.register([r], request_id=i))
        acknowledged.add(done.revision, [shared.name])
        if n % 2:
            gone = await until_answered(
                lambda name=names[0], i=f"{writer}-{n}-gone": client.deregister(name, request_id=i)
            )
            acknowledged.add(gone.revision, gone.names, removed=True)


async def watch(client, history, wanted=None):
    """Note every update of the SDK's watch, which goes on by itself over every cut."""
    async with aclosing(client.watch(wanted, bookmark_interval=1.0)) as updates:
        async for update in updates:
            history.append(update)


async def watch_streams(client, streams):
    """Note the updates of one stream after another, each resumed by the token that the one before it ended with."""
    follower = Follower(WatchRequest())
    while True:
        streams.append([])
        with suppress(*LOST):
            async with aclosing(client.watch_once(follower.request)) as responses:
                async for response in responses:
                    if (update := follower.take(response)) is not None:
                        streams[-1].append(update)
        follower.cut()
        await asyncio.sleep(0.05)


async def replay(client, revision) -> list[WatchUpdate]:
    """Return all that happened up to *revision*."""
    history: list[WatchUpdate] = []
    async with asyncio.timeout(20), aclosing(client.watch(after_revision=0)) as updates:
        while not history or history[-1].revision < revision:
            history.append(await anext(updates))
    return history


async def ask(client, answers, stop):
    """Invoke all the time, and note the settlements; an error ends the test."""
    while not stop.is_set():
        answers.append((await client.invoke(chat("served"))).settlement)
        await asyncio.sleep(0.03)


def check_acknowledged(log, acknowledged):
    for revision, names in acknowledged.revisions.items():
        stored = {event.resource.name: event.type is REMOVED for event in log.get(revision, ())}
        assert stored == names, f"revision {revision} was acknowledged"


def check_whole(log):
    """Check that of every batch all was created, by one revision, and nothing was created twice."""
    made = Counter[str]()
    for revision, events in log.items():
        names = [event.resource.name for event in events if event.type is not REMOVED and "-of-" in event.resource.name]
        for batch, count in Counter(re.sub(r"-\d+-of-", " of ", name) for name in names).items():
            assert batch.endswith(f" of {count}"), f"revision {revision} has {count} of {batch}"
            made[batch] += 1
    assert set(made.values()) == {1}, f"done twice: {[batch for batch, count in made.items() if count > 1]}"


def red(resource):
    return resource.labels.get("colour") == "red"


def check_watch(history, log, matches=validators.everything):
    validators.check_ordered(history)
    validators.check_unique(history)
    validators.check_atomic(history, log, matches)
    validators.check_reliable(history, log, matches)
    validators.check_bookmarkable(history, log, matches)
    validators.check_filtered(history, log, matches)
    assert [update.snapshot for update in history] == [True] + [False] * (len(history) - 1), "a cut led to a resync"


@pytest.mark.timeout(300)
async def test_a_registry_killed_in_mid_write_keeps_its_promises_to_writers_and_watchers(tmp_path):
    rng = random.Random(11)
    address = free_address()
    acknowledged = Acknowledged()
    history: list[WatchUpdate] = []
    reds: list[WatchUpdate] = []
    streams: list[list[WatchUpdate]] = []
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(registry_process(tmp_path, address))
        client = await stack.enter_async_context(RegistryClient(address))
        watching = [
            asyncio.create_task(watch(client, history)),
            asyncio.create_task(watch(client, reds, WatchFilter(labels={"colour": "red"}))),
            asyncio.create_task(watch_streams(client, streams)),
        ]
        # Before the first write, so that what they saw can be compared with all that happened.
        await until(lambda: history and reds and streams and streams[0])
        clients = [await stack.enter_async_context(RegistryClient(address, timeout=5.0)) for _ in range(WRITERS)]
        writing = [asyncio.create_task(write(one, f"w{i}", acknowledged, stop)) for i, one in enumerate(clients)]
        for round_ in range(ROUNDS):
            # The watchers are back, and so lose another stream in the middle.
            await until(lambda round_=round_: sum(map(bool, streams)) > round_)
            enough = len(acknowledged.revisions) + rng.randrange(20, 60)
            await until(
                lambda enough=enough: len(acknowledged.revisions) >= enough or any(w.done() for w in writing), 60
            )
            await asyncio.sleep(rng.random() / 20)
            await registry.kill()
            await registry.start()
        enough = len(acknowledged.revisions) + 20
        await until(lambda: len(acknowledged.revisions) >= enough or any(w.done() for w in writing), 60)
        # Not cancelled: a write that nobody waits for may still be done, after the registry was asked for all there is.
        stop.set()
        await asyncio.gather(*writing)
        last = (await until_answered(lambda: client.list_page("models"))).revision
        listed = [resource async for resource in client.list("models", page_size=1000)]
        log = validators.log_of(await replay(client, last))
        await until(lambda: all(seen[-1].revision >= last for seen in (history, reds, streams[-1] or [WatchUpdate(0)])))
        for task in watching:
            await background.end(task)
    validators.check_gapless(log)
    assert max(log) == last
    validators.check_replay(log, listed)
    check_acknowledged(log, acknowledged)
    check_whole(log)
    check_watch(history, log)
    check_watch(reds, log, red)
    whole = [stream for stream in streams if stream]
    assert len(whole) > ROUNDS
    validators.check_resumable(whole, log)


@dataclass
class Plane:
    """A registry and a gateway that is asked all the time; an answer that fails ends the test."""

    registry: Server
    client: RegistryClient
    gateway: GatewayClient
    up: Provider
    settlements: list[Settlement]
    asking: asyncio.Task[None]

    async def until(self, condition, seconds=30.0):
        await until(lambda: condition() or self.asking.done(), seconds)


@asynccontextmanager
async def plane(folder, **settings):
    address, front = free_address(), free_address()
    settlements: list[Settlement] = []
    stop = asyncio.Event()
    async with (
        provider(providers.ok) as up,
        registry_process(folder, address) as registry,
        RegistryClient(address) as client,
    ):
        await client.register([catalogs.model("served"), catalogs.endpoint("a", up.url, model="served")])
        async with gateway_process(folder, address, front, **settings), GatewayClient(front) as gateway:
            asking = asyncio.create_task(ask(gateway, settlements, stop))
            running = Plane(registry, client, gateway, up, settlements, asking)
            await running.until(lambda: len(settlements) > 3)
            yield running
            stop.set()
            await asking


async def test_the_gateway_answers_while_the_registry_is_dead_says_so_and_catches_up(tmp_path):
    async with plane(tmp_path, GATEWAY_STALE_AFTER="0.7") as p:
        before, seen = p.settlements[0].revision, p.settlements
        await p.registry.kill()
        dead = len(seen)
        await p.until(lambda: seen[-1].stale and len(seen) > dead + 30)
        await p.registry.start()
        late = [catalogs.model("late"), catalogs.endpoint("a", p.up.url, model="late")]
        after = (await until_answered(lambda: p.client.register(late))).revision
        # Heard of again. This process or the gateway may stand still until that is old news: the next bookmark is not.
        await p.until(lambda: any(settlement.revision == after and not settlement.stale for settlement in seen))
        answer = await p.gateway.invoke(chat("late"))
    assert answer.settlement is not None
    assert answer.settlement.target == "models/late/endpoints/a"
    assert any(settlement.revision == after and not settlement.stale for settlement in seen)
    assert {settlement.revision for settlement in seen} == {before, after}


async def test_a_registry_that_is_stopped_and_goes_on_delays_calls_but_breaks_none(tmp_path):
    async with plane(tmp_path) as p:
        p.registry.send(signal.SIGSTOP)
        writing = asyncio.create_task(p.client.register([catalogs.model("late")]))
        served = len(p.settlements)
        try:
            await asyncio.sleep(5)
            # On a busy machine that takes longer; not so long that the connection counts as dead.
            await p.until(lambda: len(p.settlements) > served + 30, 12)
        finally:
            p.registry.send(signal.SIGCONT)
        assert len(p.settlements) > served + 30
        revision = (await writing).revision
        await p.until(lambda: p.settlements[-1].revision == revision)
