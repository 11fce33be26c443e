"""Agents that ask back, and what goes with a task: agents on loopback, through the engine."""

from airegistry.invocations.chat import ChatRequest, FinishReason, Message, Role
from airegistry.invocations.kinds import AgentTaskState
from airegistry.resources import agent as resources
from tests.agent_tasks import TEXT, engine_for, events_of, task
from tests.agents import Doing, agent_server, asking_back
from tests.blocks import text
from tests.catalogs import asked, chat


async def test_a_question_back_is_no_clean_end_and_its_answer_goes_to_the_same_task():
    async with agent_server(asking_back) as up, engine_for(up) as engine:
        first = await engine.invoke(chat("agents/a"))
        (choice,) = first.output.choices
        assert (first.output.text, choice.finish_reason) == ("How far?", FinishReason.OTHER)
        assert choice.upstream_finish_reason == "TASK_STATE_INPUT_REQUIRED"
        second = await engine.invoke(chat("agents/a", chat=asked("four", extra=first.output.extra)))
    assert second.output.text == "To four"
    ids = [(doing.context.task_id, doing.context.context_id) for doing in up.seen]
    assert ids[0] == ids[1]


async def test_a_task_that_waits_for_its_caller_says_so():
    async with agent_server(asking_back) as up, engine_for(up) as engine:
        first = (await engine.invoke(task())).output
        assert (first.state, first.content) == (AgentTaskState.INPUT_REQUIRED, (text("How far?"),))
        second = (await engine.invoke(task(words="five", task_id=first.task_id, context_id=first.context_id))).output
    assert (second.state, second.task_id) == (AgentTaskState.COMPLETED, first.task_id)
    assert second.artifacts[0].content == (text("To five"),)


async def test_credentials_that_an_agent_wants_are_said_to_the_caller():
    async def work(doing: Doing) -> None:
        await doing.begin()
        await doing.updater.requires_auth(doing.message("Log in"))

    async with agent_server(work) as up, engine_for(up) as engine:
        answered = await engine.invoke(chat("agents/a"))
        events = await events_of(engine, task())
    (choice,) = answered.output.choices
    assert (choice.finish_reason, choice.upstream_finish_reason) == (FinishReason.OTHER, "TASK_STATE_AUTH_REQUIRED")
    assert events[-2].agent_task.state is AgentTaskState.AUTH_REQUIRED


async def test_a_task_that_has_ended_is_referred_to():
    async with agent_server() as up, engine_for(up) as engine:
        first = await engine.invoke(chat("agents/a"))
        await engine.invoke(chat("agents/a", chat=asked("and on", extra=first.output.extra)))
    one, two = (doing.context.message for doing in up.seen)
    assert list(two.reference_task_ids) == [one.task_id]
    assert (two.task_id != one.task_id, two.context_id) == (True, one.context_id)


async def test_earlier_turns_are_not_sent_again_and_the_caller_is_told():
    async with agent_server() as up, engine_for(up) as engine:
        first = await engine.invoke(chat("agents/a"))
        turns = (
            Message(Role.USER, (text("Say something"),)),
            Message(Role.ASSISTANT, (text(TEXT),)),
            Message(Role.USER, (text("and on"),)),
        )
        request = ChatRequest(messages=turns, extra=first.output.extra)
        again = await engine.invoke(chat("agents/a", chat=request))
    assert up.seen[1].text == "and on"
    assert [warning.path for warning in again.settlement.warnings] == ["chat.messages"]


async def test_the_skill_and_facts_for_the_agent_come_with_the_task():
    async with agent_server() as up, engine_for(up) as engine:
        await engine.invoke(task(skill="count", metadata={"deadline": "noon"}, accepted_output_modes=("text/plain",)))
    (doing,) = up.seen
    assert doing.context.metadata == {"skill": "count", "deadline": "noon"}
    assert list(doing.context.configuration.accepted_output_modes) == ["text/plain"]
    assert doing.metadata["a2a-version"] == "1.0"


async def test_a_tenant_is_named():
    async with agent_server() as up:
        interface = resources.AgentInterface(up.url, "GRPC", "1.0", tenant="acme")
        async with engine_for(up, interfaces=(interface,)) as engine:
            await engine.invoke(task())
    assert up.seen[0].context.tenant == "acme"
