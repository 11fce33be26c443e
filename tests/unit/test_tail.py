"""The view moves revision after revision, whoever wrote them, and says when it could not."""

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from airegistry.discovery.index import Index
from airegistry.discovery.naming import NameTable
from airegistry.errors import UnavailableError
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource, ResourceKind
from registry import tail as tail_module
from registry.entry import Draft, content_of
from registry.history import Event, Revision
from registry.store.records import Contents, Logged
from registry.tail import Tail
from registry.view import View


def entry(name, revision):
    resource = Resource(name=name, uid="u", etag="e", model=Model())
    return Draft(resource, ResourceKind.MODEL, content_of(resource)).at(revision)


class Log:
    """A store that others write to, in memory; `reads` has where each read of the log began."""

    step = 100

    def __init__(self):
        self.revisions = []
        self.compacted = 0
        self.reads = []
        self.refused = asyncio.Event()
        self.away = False
        self.written = asyncio.Event()
        self.loading = None

    def write(self, name):
        number = len(self.revisions) + 1
        self.revisions.append(Logged(number, float(number), {name: entry(name, number)}))
        self.written.set()
        return self.revisions[-1]

    def lose(self, number):
        self.revisions[number - 1] = None

    async def newest(self):
        await asyncio.sleep(0)
        if self.away:
            self.refused.set()
            raise UnavailableError("away")
        return len(self.revisions)

    async def since(self, revision):
        self.reads.append(revision)
        await asyncio.sleep(0)
        kept = [one for one in self.revisions[self.compacted :] if one is not None and one.number > revision]
        # What is read is equal to what was written, and not the same.
        return [
            replace(one, entries={name: entry(name, one.number) for name in one.entries}) for one in kept[: self.step]
        ]

    async def changed(self):
        await self.written.wait()
        self.written.clear()

    async def load(self):
        kept = [one for one in self.revisions[self.compacted :] if one is not None]
        current = {name: new for one in self.revisions if one is not None for name, new in one.entries.items()}
        contents = Contents(len(self.revisions), self.compacted, tuple(current.values()), tuple(map(revision_of, kept)))
        if self.loading is not None:
            self.loading()
        await asyncio.sleep(0)
        return contents


def revision_of(logged):
    return Revision(logged.number, tuple(Event(logged.number, n, None, e) for n, e in logged.entries.items()), 0.0)


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def view():
    return View(Contents(0, 0, (), ()), index=Index(lambda: datetime.now(UTC)), names=NameTable())


@pytest.fixture
def tail(log, view):
    return Tail(log, view)


def shown(view):
    return [revision.number for revision in reversed(list(view.feed.since(view.feed.oldest - 1)))]


async def test_what_others_wrote_is_read_when_it_is_asked_for(log, view, tail):
    for name in ("models/a", "models/b"):
        log.write(name)
    await tail.reach(1)
    assert shown(view) == [1, 2]
    assert list(view.entries) == ["models/a", "models/b"]


async def test_what_is_shown_already_is_not_read(log, tail):
    log.write("models/a")
    await tail.reach(1)
    await tail.reach(1)
    assert log.reads == [0]


async def test_own_revisions_are_published_from_memory_when_they_are_next(log, view, tail):
    tail.committed([log.write("models/a"), log.write("models/b")])
    assert shown(view) == [1, 2]
    await tail.reach(2)
    assert log.reads == []


async def test_own_revisions_wait_for_those_of_others_before_them(log, view, tail):
    log.write("models/a")
    own = log.write("models/b")
    log.write("models/c")
    also_own = log.write("models/d")
    tail.committed([own, also_own])
    assert shown(view) == []
    await tail.reach(4)
    assert shown(view) == [1, 2, 3, 4]
    assert view.entries["models/b"] is own.entries["models/b"]
    assert view.entries["models/d"] is also_own.entries["models/d"]
    assert tail._own == {}


async def test_own_revisions_in_any_order_come_out_in_theirs(log, view, tail):
    written = [log.write(f"models/m{i}") for i in range(6)]
    for one in (5, 3, 1):
        tail.committed([written[one]])
    for one in (4, 2):
        tail.committed([written[one]])
    assert shown(view) == []
    tail.committed([written[0]])
    assert shown(view) == [1, 2, 3, 4, 5, 6]


async def test_own_revisions_that_the_log_has_shown_already_are_not_kept(log, view, tail):
    own = log.write("models/a")
    await tail.reach(1)
    tail.committed([own])
    assert shown(view) == [1]
    assert tail._own == {}


async def test_a_long_log_is_read_step_by_step(log, view, tail):
    log.step = 2
    for i in range(5):
        log.write(f"models/m{i}")
    await tail.reach(5)
    assert (shown(view), log.reads) == ([1, 2, 3, 4, 5], [0, 2, 4])


async def test_many_who_wait_for_one_revision_read_it_once(log, view, tail):
    for i in range(3):
        log.write(f"models/m{i}")
    await asyncio.gather(*(tail.reach(revision) for revision in (3, 1, 2, 3)))
    assert log.reads == [0]


async def test_a_log_that_begins_after_the_view_is_read_anew(log, view, tail):
    for i in range(4):
        log.write(f"models/m{i}")
    log.compacted = 2
    await tail.reach(4)
    assert (view.revision, shown(view), len(view.entries)) == (4, [3, 4], 4)
    assert (view.index.revision, view.names.resolve("m0")) == (4, ("models/m0",))
    assert (tail.reloads, tail.gaps) == (1, 0)
    log.write("models/m4")
    await tail.reach(5)
    assert (shown(view), tail.reloads) == ([3, 4, 5], 1)


async def test_a_revision_that_is_not_in_the_log_is_counted_and_said_and_survived(log, view, tail, caplog):
    for i in range(3):
        log.write(f"models/m{i}")
    log.lose(2)
    await tail.reach(3)
    assert (view.revision, tail.gaps, tail.reloads) == (3, 1, 1)
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]


async def test_own_revisions_after_what_was_read_anew_follow_it(log, view, tail):
    for i in range(3):
        log.write(f"models/m{i}")
    log.compacted = 3
    late: list[Logged] = []

    def write_late():
        late.append(log.write("models/late"))
        tail.committed(late)

    log.loading = write_late
    await tail.reach(3)
    assert (view.revision, shown(view), tail.reloads) == (4, [4], 1)
    assert view.entries["models/late"] is late[0].entries["models/late"]
    assert tail._own == {}


async def test_what_was_published_while_everything_was_read_is_not_taken_back(log, view, tail):
    own = log.write("models/a")
    log.lose(1)
    log.loading = lambda: tail.committed([own])
    await tail.reach(1)
    assert (shown(view), tail.reloads, tail.gaps) == ([1], 0, 0)


async def test_a_history_that_does_not_end_where_the_store_is_is_refused(log, view, tail):
    log.write("models/a")
    log.write("models/b")
    log.lose(2)
    with pytest.raises(RuntimeError, match="ends at 1, the store is at 2"):
        await tail.reach(2)


async def test_the_tail_follows_what_others_write(log, view, tail):
    running = asyncio.create_task(tail.run())
    for i in range(3):
        log.write(f"models/m{i}")
        await asyncio.wait_for(view.feed.wait_for(i + 1), 10)
    running.cancel()
    await asyncio.wait([running])
    assert shown(view) == [1, 2, 3]


async def test_the_tail_goes_on_when_the_store_is_back(log, view, tail, monkeypatch):
    monkeypatch.setattr(tail_module, "_RETRY", 0)
    log.away = True
    log.write("models/a")
    running = asyncio.create_task(tail.run())
    await log.refused.wait()
    log.away = False
    log.write("models/b")
    await asyncio.wait_for(view.feed.wait_for(2), 10)
    running.cancel()
    await asyncio.wait([running])
