"""Answers of agents through the engine: agents on loopback that are built with the protocol's own SDK."""

from typing import Any

import pytest
from a2a.helpers import new_data_part, new_raw_part, new_text_message, new_url_part

from airegistry.invocations.chat import FinishReason
from airegistry.invocations.content import ContentBlock, MediaBlock
from airegistry.invocations.kinds import AgentArtifact, AgentTaskState
from airegistry.invocations.tasks import assemble_task
from airegistry.resources import agent as resources
from tests.agent_tasks import TEXT, engine_for, events_of, task
from tests.agents import TOKENS, Doing, agent_server
from tests.blocks import text
from tests.catalogs import chat
from tests.engines import text_of


@pytest.mark.parametrize("streams", [True, False], ids=["streams", "does-not-stream"])
async def test_a_conversation_is_answered_whole_and_in_pieces_alike(streams):
    capabilities = resources.AgentCapabilities(streaming=streams)
    async with agent_server() as up, engine_for(up, capabilities=capabilities) as engine:
        answered = await engine.invoke(chat("agents/a"))
        events = await events_of(engine, chat("agents/a"))
    (choice,) = answered.output.choices
    assert (answered.output.text, choice.finish_reason) == (TEXT, FinishReason.STOP)
    assert text_of(events) == TEXT
    assert len([event for event in events if event.chat_delta and event.chat_delta.text]) == len(TOKENS)
    assert answered.settlement.target == events[-1].end.settlement.target == "agents/a"
    assert answered.output.extra["a2a"]["state"] == events[-1].end.extra["a2a"]["state"] == "COMPLETED"


async def test_a_task_says_how_it_stands_and_what_was_made():
    async def work(doing: Doing) -> None:
        await doing.working("Counting")
        await doing.write(*TOKENS)
        await doing.updater.complete(doing.message("There you are"))

    async with agent_server(work) as up, engine_for(up) as engine:
        answered = await engine.invoke(task())
        events = await events_of(engine, task())
    pieces = [event.agent_task for event in events if event.agent_task is not None]
    states = [piece.state for piece in pieces]
    assert list(dict.fromkeys(states)) == [
        AgentTaskState.SUBMITTED,
        AgentTaskState.WORKING,
        AgentTaskState.COMPLETED,
    ]
    assert (text("Counting"),) in [piece.content for piece in pieces]
    output = answered.output
    assert (output.state, output.content) == (AgentTaskState.COMPLETED, (text("There you are"),))
    assert output.artifacts == (AgentArtifact("answer", "Answer", (text(TEXT),)),)
    streamed = assemble_task(pieces)
    assert (streamed.state, streamed.content, streamed.artifacts) == (output.state, output.content, output.artifacts)
    assert output.task_id == up.seen[0].context.task_id
    assert output.context_id == up.seen[0].context.context_id


async def test_an_agent_that_answers_at_once_has_no_task():
    async def work(doing: Doing) -> None:
        await doing.queue.enqueue_event(new_text_message("Hello!", context_id=doing.context.context_id))

    async with agent_server(work) as up, engine_for(up) as engine:
        answered = await engine.invoke(chat("agents/a"))
        done = await engine.invoke(task())
    assert answered.output.text == "Hello!"
    assert (done.output.state, done.output.content) == (AgentTaskState.COMPLETED, (text("Hello!"),))


async def test_what_is_said_on_the_way_is_thinking():
    async def work(doing: Doing) -> None:
        await doing.working("Let me see")
        await doing.write("Four")
        await doing.updater.complete()

    for streams in (True, False):
        capabilities = resources.AgentCapabilities(streaming=streams)
        async with agent_server(work) as up, engine_for(up, capabilities=capabilities) as engine:
            answered = await engine.invoke(chat("agents/a"))
        thought, said = answered.output.choices[0].message.content
        assert (thought.thinking.text, said.text.text) == ("Let me see", "Four")


async def test_files_pictures_and_json_go_both_ways():
    picture, data = b"\x89PNG\r\n", b'{"rows":[1,2.5,null]}'
    seen: list[Any] = []

    async def work(doing: Doing) -> None:
        seen.extend(doing.context.message.parts)
        await doing.working()
        parts = [
            new_raw_part(picture, media_type="image/png", filename="a.png"),
            new_data_part({"rows": [1, 2.5, None]}),
            new_url_part("https://files.example/b.pdf", media_type="application/pdf"),
        ]
        await doing.updater.add_artifact(parts, artifact_id="made")
        await doing.updater.complete()

    content = (
        text("Look"),
        ContentBlock(image=MediaBlock(data=picture, media_type="image/png", filename="a.png")),
        ContentBlock(file=MediaBlock(data=data, media_type="application/json")),
        ContentBlock(file=MediaBlock(url="https://files.example/b.pdf", media_type="application/pdf")),
    )
    async with agent_server(work) as up, engine_for(up) as engine:
        answered = await engine.invoke(task(content=content))
        said = await engine.invoke(chat("agents/a"))
    kinds = [part.WhichOneof("content") for part in seen[:4]]
    assert kinds == ["text", "raw", "data", "url"]
    assert (seen[1].raw, seen[1].media_type, seen[1].filename) == (picture, "image/png", "a.png")
    assert [number.number_value for number in seen[2].data.struct_value.fields["rows"].list_value.values] == [1, 2.5, 0]
    assert answered.output.artifacts[0].content == content[1:]
    assert said.output.choices[0].message.content == content[1:]


async def test_a_big_artifact_arrives_whole():
    big = b"\x00\xff" * 4_000_000

    async def work(doing: Doing) -> None:
        await doing.working()
        await doing.updater.add_artifact([new_raw_part(big, media_type="application/zip")], artifact_id="zip")
        await doing.updater.complete()

    async with agent_server(work) as up, engine_for(up) as engine:
        answered = await engine.invoke(task())
    assert answered.output.artifacts[0].content[0].file.data == big
