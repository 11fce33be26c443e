"""Beside etcd, with its defaults: the same payload through the same Python gRPC client, as ratios (ours / etcd's)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import uvloop
from grpc import aio

from benchmarks import etcd_api
from benchmarks.changing import Delivered, changer, watched_by
from benchmarks.load import Load, run
from benchmarks.postgres import database
from benchmarks.processes import Server, data_dir, etcd, registry
from benchmarks.rows import Row
from benchmarks.subjects import GET, Subject, etcd_at, get, name_of, put, register, registry_at

NAMES = 100
CALLERS = (1, 16)
SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Watchers:
    """So many watchers on so many connections, and changes so far apart that each is over before the next one."""

    name: str
    count: int
    channels: int
    changes: int = 80
    every: float = 0.05
    python: bool = True


MANY = 1_000
WATCHERS = (
    Watchers("1 watcher", 1, 1),
    Watchers("100 watchers", 100, 5),
    Watchers(f"{MANY:,} watchers", MANY, 20, changes=20, every=0.25),
    Watchers(f"{MANY:,} watchers in Go, if it is there", MANY, 20, changes=20, every=0.25, python=False),
)


@dataclass(frozen=True, slots=True)
class Store:
    """A server that keeps the payload: how it is written and read, and how it is watched."""

    subject: Subject
    read: str
    get: Callable[[int], bytes]
    put: Callable[[int, str], bytes]


@dataclass(frozen=True, slots=True)
class Watching:
    """What some watchers got, and what they took of the server's memory."""

    delivered: Delivered
    kibibytes: float


def measure() -> list[Row]:
    """Measure the registry on SQLite beside etcd, then on PostgreSQL beside the same etcd."""
    with data_dir() as folder, etcd(folder) as server:
        reference = _etcd(server)
        with data_dir() as own, registry(own) as ours:
            sqlite = _registry(ours)
            rows = [*_deliveries(sqlite, reference), *_rates(sqlite, reference, "SQLite")]
        with database() as url, data_dir() as own, registry(own, database=url) as ours:
            return rows + _rates(_registry(ours), reference, "PostgreSQL")


def _etcd(server: Server) -> Store:
    return Store(etcd_at(server), etcd_api.RANGE, lambda number: etcd_api.get(name_of(number)), put)


def _registry(server: Server) -> Store:
    return Store(registry_at(server), GET, get, register)


def _deliveries(ours: Store, reference: Store) -> list[Row]:
    measured = [uvloop.run(_watch(each.subject)) for each in (ours, reference)]
    return [_delivery(watchers, *pair) for watchers, *pair in zip(WATCHERS, *measured, strict=True)]


async def _watch(subject: Subject) -> list[Watching]:
    measured = []
    async with changer(subject) as changes:
        await changes.alone()
        for watchers in WATCHERS:
            opening = watched_by(subject, watchers.count, channels=watchers.channels, python=watchers.python)
            async with opening as crowd:
                delivered = await changes.deliver(crowd.receiver, watchers.changes, watchers.every)
                measured.append(Watching(delivered, crowd.kibibytes))
    return measured


def _delivery(watchers: Watchers, ours: Watching, theirs: Watching) -> Row:
    mine, other = ours.delivered, theirs.delivered
    # The first many: those who come after them find the memory that they left.
    told = watchers.python and watchers.count >= MANY
    memory = f", memory per watcher {ours.kibibytes / theirs.kibibytes:.1f}x" if told else ""
    return Row(
        f"Register → Watch / etcd put → watch, {watchers.name}",
        f"p50 {mine.p50 / other.p50:.1f}x, p99 {mine.p99 / other.p99:.1f}x; "
        f"server CPU {mine.cpu_micros / other.cpu_micros:.1f}x{memory}",
        f"{_seen(ours)} / etcd: {_seen(theirs)}",
        "reported",
    )


def _seen(watching: Watching) -> str:
    delivered = watching.delivered
    return f"p50 {delivered.p50:.1f} ms, p99 {delivered.p99:.1f} ms, {delivered.cpu_micros:.0f} µs"


def _rates(ours: Store, reference: Store, store: str) -> list[Row]:
    rows = []
    for each in (ours, reference):
        uvloop.run(_fill(each))
    for callers in CALLERS:
        at_once = f"{callers} at once, {store}"
        mine, theirs = (_load(each, each.subject.change, _puts(each), callers) for each in (ours, reference))
        rows.append(_rate(f"Register one / etcd put, {at_once}", mine, theirs))
        mine, theirs = (_load(each, each.read, _gets(each), callers) for each in (ours, reference))
        rows.append(_rate(f"Get / etcd range, {at_once}", mine, theirs))
    return rows


async def _fill(store: Store) -> None:
    """Write every name, and see that it can be read."""
    async with aio.insecure_channel(store.subject.server.address) as channel:
        write = channel.unary_unary(store.subject.change, None, None)
        read = channel.unary_unary(store.read, None, None)
        for number in range(NAMES):
            await write(store.put(number, ""))
            if name_of(number).encode() not in await read(store.get(number)):
                raise LookupError(f"{name_of(number)} cannot be read")


def _load(store: Store, path: str, requests: Callable[[], Iterator[bytes]], callers: int) -> Load:
    return run(store.subject.server, path, requests, SECONDS, callers=callers)


def _puts(store: Store) -> Callable[[], Iterator[bytes]]:
    # The text is always a new one: what changes nothing is no write to us.
    return lambda: (store.put(number % NAMES, f"{next(_TEXTS):012}") for number in count())


_TEXTS = count()


def _gets(store: Store) -> Callable[[], Iterator[bytes]]:
    return lambda: (store.get(number % NAMES) for number in count())


def _rate(work: str, ours: Load, theirs: Load) -> Row:
    return Row(
        work,
        f"rate {ours.per_second / theirs.per_second:.2f}x; p50 {ours.p50_millis / theirs.p50_millis:.2f}x, "
        f"p99 {ours.p99_millis / theirs.p99_millis:.2f}x; server CPU {ours.cpu_micros / theirs.cpu_micros:.1f}x",
        f"{_shown(ours)} / etcd: {_shown(theirs)}",
        "reported",
    )


def _shown(load: Load) -> str:
    return f"{load.per_second:,.0f}/s, p50 {load.p50_millis:.1f} ms, p99 {load.p99_millis:.1f} ms, {load.cpu_micros:.0f} µs"
