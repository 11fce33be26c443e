"""Agents behind the gateway: by gRPC, and as models to the SDKs of every front."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import ollama
import openai
import pytest

from airegistry.client import GatewayClient
from airegistry.errors import ProviderFailedError
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.invocation import Invocation
from airegistry.invocations.kinds import AgentTaskRequest, AgentTaskState
from tests.agents import TOKENS, Doing, Running, Work, agent_server, counting
from tests.catalogs import agent
from tests.planes import gateway_knowing

TEXT = "".join(TOKENS)
MODEL = "agents/a"
ASK: Any = {"model": MODEL, "messages": [{"role": "user", "content": "How far?"}]}


def task(words="Count to four", **facts):
    content = (ContentBlock(text=TextBlock(words)),)
    return Invocation(model=MODEL, agent_task=AgentTaskRequest(content=content, **facts))


@asynccontextmanager
async def agents_client(folder: Path, work: Work = counting) -> AsyncIterator[tuple[Running, GatewayClient]]:
    """Run an agent, and a gateway that knows it, and lend a client."""
    async with (
        agent_server(work) as up,
        gateway_knowing(folder, [agent("a", up.url)]) as gateway,
        GatewayClient(gateway.address) as client,
    ):
        yield up, client


async def asking_back(doing: Doing) -> None:
    if doing.context.current_task is None:
        await doing.begin()
        await doing.updater.requires_input(doing.message("To what?"))
    else:
        await doing.write(f"To {doing.text}")
        await doing.updater.complete()


async def test_a_task_by_grpc_whole_streamed_and_explained(tmp_path):
    async with agents_client(tmp_path) as (_, client):
        whole: Any = await client.invoke(task())
        events: list[Any] = [event async for event in client.invoke_stream(task())]
        explained: Any = await client.explain(task())
    assert whole.agent_task.state is AgentTaskState.COMPLETED
    assert whole.agent_task.artifacts[0].content[0].text.text == TEXT
    assert whole.settlement.target == explained.candidates[0].candidate.resource.name == MODEL
    said = [event.agent_task for event in events if event.agent_task is not None]
    assert [piece.state for piece in (said[0], said[-1])] == [AgentTaskState.SUBMITTED, AgentTaskState.COMPLETED]
    grown = [artifact.append for piece in said for artifact in piece.artifacts]
    assert grown == [False, True, True, True]
    assert events[-1].end is not None


async def test_a_failed_task_keeps_its_class_and_facts_by_grpc(tmp_path):
    async def work(doing: Doing) -> None:
        await doing.working()
        await doing.updater.failed(doing.message("out of numbers"))

    async with agents_client(tmp_path, work) as (up, client):
        with pytest.raises(ProviderFailedError, match="out of numbers") as failed:
            await client.invoke(task())
    assert failed.value.metadata["task_state"] == "FAILED"
    assert failed.value.metadata["task_id"] == up.seen[0].context.task_id


async def test_a_client_who_leaves_has_the_task_cancelled_at_the_agent(tmp_path):
    async def work(doing: Doing) -> None:
        await doing.working()
        await asyncio.sleep(60)

    async with agents_client(tmp_path, work) as (up, client):
        async with aclosing(client.invoke_stream(task())) as events:
            async for event in events:
                if event.agent_task is not None and event.agent_task.state is AgentTaskState.WORKING:
                    break
        await asyncio.wait_for(up.cancelled.wait(), 5)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_an_agent_is_a_model_to_openai_s_sdk_and_a_conversation_goes_on(tmp_path, stream):
    async with agent_server(asking_back) as up, gateway_knowing(tmp_path, [agent("a", up.url)]) as gateway:
        url = f"http://{gateway.http_address}/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as sdk:
            first: Any = await sdk.chat.completions.create(**ASK)
            question = first.choices[0]
            assert (question.message.content, question.finish_reason) == ("To what?", "TASK_STATE_INPUT_REQUIRED")
            answer: Any = {"model": MODEL, "messages": [{"role": "user", "content": "four"}]}
            body = {"a2a": first.model_extra["a2a"]}
            second: Any = await sdk.chat.completions.create(**answer, extra_body=body, stream=stream)
            if stream:
                said = "".join([chunk.choices[0].delta.content or "" async for chunk in second if chunk.choices])
            else:
                said = second.choices[0].message.content
    assert said == "To four"
    assert len({doing.context.task_id for doing in up.seen}) == 1


async def test_a_question_back_is_a_clean_end_at_no_front(tmp_path):
    async with agent_server(asking_back) as up, gateway_knowing(tmp_path, [agent("a", up.url)]) as gateway:
        url = f"http://{gateway.http_address}"
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as sdk:
            whole: Any = await sdk.responses.create(model=MODEL, input="How far?")
            async with sdk.responses.stream(model=MODEL, input="How far?") as events:
                last: Any = [event async for event in events][-1]
        async with anthropic.AsyncAnthropic(base_url=url, api_key="none", max_retries=0) as sdk_:
            message: Any = await sdk_.messages.create(**ASK, max_tokens=100)
        async with ollama.AsyncClient(host=url) as client:
            reply: Any = await client.chat(**ASK)
    assert (whole.status, whole.incomplete_details.reason) == ("incomplete", "TASK_STATE_INPUT_REQUIRED")
    assert last.type == "response.incomplete"
    assert message.stop_reason == "pause_turn"
    assert reply.done_reason == "TASK_STATE_INPUT_REQUIRED"
