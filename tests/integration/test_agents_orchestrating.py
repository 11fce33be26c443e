"""Steps of several agents, side by side and after each other, over a real registry and gateway."""

import asyncio
from typing import Any

import pytest

from airegistry import AgentOrchestrator, Step
from airegistry.errors import DeadlineExceededError, FailedPreconditionError, TaskRejectedError
from tests import catalogs
from tests.agent_planes import Slow, Translator, planes, reject
from tests.agents import LONG, agent_server, asking_back, until
from tests.providers import ok, provider


async def test_steps_run_side_by_side_and_after_each_other(tmp_path):
    both = asyncio.Barrier(2)

    class Meeting:
        name = "Meeting"
        skills = ("meet",)

        async def run(self, text):
            # Passed only by two at once.
            async with asyncio.timeout(LONG):
                await both.wait()
            return f"{text}!"

    async with planes(tmp_path) as all_:
        await all_.integrate(Meeting())
        await all_.integrate(Translator())
        outcome = await AgentOrchestrator(all_.client).run(
            [
                Step("end", "{left} {right}", ("skill:translate",), after=("left", "right")),
                Step("left", "one", ("agents/meeting",)),
                Step("right", "two", ("skill:meet",)),
            ]
        )
    assert {name: result.text.strip() for name, result in outcome.results.items()} == {
        "left": "one!",
        "right": "two!",
        "end": "ONE! TWO!",
    }


async def test_no_more_steps_at_once_than_allowed(tmp_path):
    running, most = 0, 0
    # Passed by two at once.
    both = asyncio.Barrier(2)

    class Counting:
        name = "Counting"
        skills = ("count",)

        async def run(self, text):
            nonlocal running, most
            running += 1
            most = max(most, running)
            await both.wait()
            await asyncio.sleep(0.02)
            running -= 1
            return text

    async with planes(tmp_path) as all_:
        await all_.integrate(Counting())
        steps = [Step(str(i), "x", ("skill:count",)) for i in range(6)]
        outcome = await AgentOrchestrator(all_.client, max_parallel=2).run(steps)
    assert (len(outcome.results), most) == (6, 2)


async def test_one_agent_else_another_else_a_model(tmp_path):
    async with planes(tmp_path) as all_, agent_server(reject) as a, provider(ok) as model:
        await all_.add(*catalogs.served(model.url), catalogs.agent("a", a.url))
        orchestrator = AgentOrchestrator(all_.client)
        result = await orchestrator.first_of("Count", "agents/gone", "skill:numbers", "models/m")
        assert (result.by, result.text) == ("models/m/endpoints/a", "One two three four")
        with pytest.raises(TaskRejectedError) as failed:
            await orchestrator.first_of("Count", "agents/gone", "agents/a")
    assert failed.value.metadata["step"] == "task"
    assert [note.partition(":")[0] for note in failed.value.__notes__] == ["agents/gone", "agents/a"]


async def test_a_step_that_fails_ends_the_others_and_their_tasks(tmp_path):
    async with planes(tmp_path) as all_, agent_server(reject) as a:
        slow = Slow()
        await all_.integrate(slow)
        await all_.add(catalogs.agent("a", a.url))

        def after_it_began(_results: Any) -> str:
            assert slow.begun.is_set()
            return "x"

        steps = [Step("slow", "x", ("skill:wait",)), Step("bad", "x", ("agents/a",))]
        orchestrator = AgentOrchestrator(all_.client)
        with pytest.raises(TaskRejectedError) as failed:
            await orchestrator.run(steps)
        assert failed.value.metadata["step"] == "bad"
        if slow.begun.is_set():
            await until(slow.ended)


async def test_an_optional_step_may_fail_and_the_others_go_on(tmp_path):
    async with planes(tmp_path) as all_:
        await all_.integrate(Translator())
        outcome = await AgentOrchestrator(all_.client).run(
            [
                Step("extra", "x", ("agents/gone",), optional=True),
                Step("main", "hi{extra}", ("skill:translate",), after=("extra",)),
            ]
        )
    assert outcome.results["main"].text.strip() == "HI"
    assert set(outcome.errors) == {"extra"}


async def test_an_agent_that_asks_back_is_answered_or_has_not_done_it(tmp_path):
    asked: list[str] = []

    async def answer(step: Step, result: Any) -> str:
        asked.append(f"{step.name}: {result.text}")
        return "four"

    async with planes(tmp_path) as all_, agent_server(asking_back) as up:
        await all_.add(catalogs.agent("a", up.url))
        result = await AgentOrchestrator(all_.client, answer=answer).first_of("Count", "agents/a")
        assert (result.text, asked) == ("To four", ["task: How far?"])
        with pytest.raises(FailedPreconditionError) as waits:
            await AgentOrchestrator(all_.client).first_of("Count", "agents/a")
    assert waits.value.metadata["task_state"] == "INPUT_REQUIRED"


async def test_all_steps_together_have_a_deadline(tmp_path):
    async with planes(tmp_path) as all_:
        slow = Slow()
        await all_.integrate(slow)
        with pytest.raises(DeadlineExceededError):
            await AgentOrchestrator(all_.client, deadline=2.0).first_of("x", "skill:wait")
        await until(slow.ended)
