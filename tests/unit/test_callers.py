"""What a front knows of its caller: what it says beside its request, and that it is still there."""

import asyncio
import contextlib
from typing import Any

import pytest

from gateway.fronts.callers import Callers, invocation
from gateway.fronts.connection import CallerGoneError, while_connected

GONE = {"type": "http.disconnect"}
FORMS = pytest.mark.parametrize("as_future", [True, False], ids=["future", "coroutine"])


class Line:
    """A caller: events come of it when the test says so, by a future or by a coroutine, as servers have them."""

    def __init__(self, *, as_future: bool) -> None:
        self._events: asyncio.Queue[Any] = asyncio.Queue()
        self._as_future = as_future
        self.asked: list[asyncio.Future[Any]] = []

    def say(self, event: Any) -> None:
        if self._as_future:
            self.asked[-1].set_result(event)
        else:
            self._events.put_nowait(event)

    def receive(self) -> Any:
        if not self._as_future:
            return self._events.get()
        self.asked.append(asyncio.get_running_loop().create_future())
        return self.asked[-1]


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@FORMS
async def test_work_is_done_for_a_caller_that_stays_and_leaves_nothing_behind(as_future):
    line, before = Line(as_future=as_future), asyncio.all_tasks()

    async def work() -> str:
        await turns()
        return "done"

    assert await while_connected(line.receive, work()) == "done"
    assert asyncio.all_tasks() == before
    assert all(asked.cancelled() for asked in line.asked)


@FORMS
async def test_an_error_of_the_work_is_the_callers(as_future):
    async def work() -> None:
        await turns()
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await while_connected(Line(as_future=as_future).receive, work())


@FORMS
async def test_a_caller_that_leaves_ends_the_work_and_its_task_goes_on(as_future):
    line, cleaned = Line(as_future=as_future), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await turns()
            cleaned.set()

    task = asyncio.ensure_future(outlived(line, work()))
    await turns()
    line.say({"type": "http.request", "body": b"", "more_body": False})
    await turns()
    assert not task.done()
    line.say(GONE)
    assert await task == "gone"
    assert cleaned.is_set()
    assert not task.cancelling()


@FORMS
async def test_a_caller_that_leaves_is_gone_whatever_the_work_makes_of_its_end(as_future):
    line = Line(as_future=as_future)

    async def work() -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return "done nevertheless"

    task = asyncio.ensure_future(outlived(line, work()))
    await turns()
    line.say(GONE)
    assert await task == "gone"


@FORMS
async def test_who_is_cancelled_while_its_caller_leaves_stays_cancelled(as_future):
    line = Line(as_future=as_future)
    task = asyncio.ensure_future(outlived(line, asyncio.sleep(60)))
    await turns()
    line.say(GONE)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_caller_that_leaves_when_all_is_done_cancels_nobody():
    line = Line(as_future=True)

    async def work() -> str:
        line.say(GONE)
        return "done"

    async def all_of_it() -> str:
        done = await while_connected(line.receive, work())
        await turns()
        return done

    assert await asyncio.ensure_future(all_of_it()) == "done"


async def outlived(line: Line, work: Any) -> str:
    try:
        await while_connected(line.receive, work)
    except CallerGoneError:
        await turns()
        return "gone"
    return "done"


async def said(*headers: tuple[bytes, bytes]) -> Any:
    made: list[Any] = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        made.append(invocation(model="m"))

    nobody: Any = None
    await Callers(app)({"type": "http", "headers": list(headers)}, nobody, nobody)
    return made[0]


async def test_a_session_and_labels_are_taken_from_the_first_header_of_a_name():
    asked = await said(
        (b"x-airegistry-session", "é".encode("latin-1")),
        (b"x-airegistry-labels", b"a=1, b=2"),
        (b"x-airegistry-session", b"second"),
        (b"x-airegistry-labels", b"a=3"),
    )
    assert (asked.model, asked.sticky_key, asked.labels) == ("m", "é", {"a": "1", "b": "2"})


async def test_who_says_nothing_of_itself_has_no_session_and_no_labels():
    asked = await said((b"content-type", b"application/json"))
    assert (asked.sticky_key, asked.labels) == ("", {})
    assert invocation(model="m").sticky_key == ""
