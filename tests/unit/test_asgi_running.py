"""Calls that run are asked in turn whether their peers are there, ended when their deadlines come, and waited for by who stops."""

import asyncio

from airegistry._rpc.asgi.framing import frame
from airegistry._rpc.asgi.running import Running
from tests.unit.test_asgi_app import Exchange, answered, made
from tests.waiting import until


class Asked:
    """A call that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked_at = asyncio.get_running_loop().time()
        self.deadline: float | None = None
        self.asked = 0
        self.error: Exception | None = None

    def ask(self) -> None:
        self.asked += 1

    def end(self, error: Exception) -> None:
        self.error = error


async def test_everybody_is_asked_in_turn_and_nobody_too_often():
    running, now = Running(), asyncio.get_running_loop().time
    calls = [Asked() for _ in range(300)]
    for call in calls:
        running.add(call)
    began = now()
    await until(lambda: min(call.asked for call in calls) >= 3)
    asked = [call.asked for call in calls]
    # 100 at a time, 40 times a second.
    assert sum(asked) <= 4_000 * (now() - began) + 100
    assert max(asked) - min(asked) <= 1
    for call in calls[1:]:
        running.remove(call)
    before, began = calls[0].asked, now()
    await until(lambda: calls[0].asked - before >= 4)
    # Never twice within 50 ms.
    assert calls[0].asked - before <= 20 * (now() - began) + 1
    running.remove(calls[0])
    assert len(running) == 0
    seen = [call.asked for call in calls]
    await asyncio.sleep(0.1)
    assert [call.asked for call in calls] == seen


async def test_only_calls_whose_deadline_is_over_are_ended():
    running = Running()
    now = asyncio.get_running_loop().time()
    calls = [Asked() for _ in range(4)]
    for call, deadline in zip(calls, (now - 1, now + 0.1, now + 60, None), strict=True):
        call.deadline = deadline
        running.add(call)
    await until(lambda: calls[1].error)
    assert [call.error is not None for call in calls] == [True, True, False, False]
    for call in calls:
        running.remove(call)


async def test_who_drains_waits_for_calls_that_end_and_ends_the_others():
    app = made()
    short, long = Exchange("Sleep", frame(b""), grpc_timeout="50m"), Exchange("Sleep", frame(b""))
    tasks = [asyncio.ensure_future(answered(exchange, app)) for exchange in (short, long)]
    await asyncio.sleep(0)
    assert app.in_flight == 2
    async with asyncio.timeout(20):
        # The first one ends long before that, however busy the machine is.
        await app.drain(2.0)
    await asyncio.gather(*tasks)
    assert short.status == (b"4", "Deadline Exceeded")
    assert long.status == (b"14", "the server is stopping")
    refused = await answered(Exchange("Ok", frame(b"")), app)
    assert refused.status == (b"14", "the server is stopping")
    async with asyncio.timeout(10):
        await app.drain(30)


async def test_who_drains_a_server_without_calls_is_done_at_once():
    async with asyncio.timeout(10):
        await made().drain(30)
