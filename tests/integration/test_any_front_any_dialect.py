"""Any SDK at the gateway, any provider's format behind it: nothing of question or answer is lost on the way."""

import base64
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import ollama
import openai
import pytest

from airegistry.dialects import get
from airegistry.invocations.chat import ChatRequest, ChatResponse
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.model import ModelLimits
from tests import catalogs
from tests.planes import gateway_knowing
from tests.providers import provider

GOLDEN = Path(__file__).parents[1] / "golden"
RECORDED = {
    "openai.chat": "openai_parallel_tools",
    "openai.responses": "thoughts_and_parallel_calls",
    "anthropic.messages": "parallel_tools",
    "ollama.chat": "tools_without_ids",
    "gemini.generate_content": "thoughts_and_parallel_calls",
}
SYSTEM = "Answer like a lighthouse keeper."
QUESTION = "What is on this picture?"
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(24)).decode()
SCHEMA: Any = {"type": "object", "properties": {"city": {"type": "string"}}}


@dataclass(frozen=True)
class Said:
    """What an answer says, in whatever format."""

    text: str
    calls: list[tuple[str, Any]]


async def openai_chat(url: str, *, stream: bool) -> Said:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
    user = {"role": "user", "content": [{"type": "text", "text": QUESTION}, picture]}
    tool = {"type": "function", "function": {"name": "get_weather", "description": "Look", "parameters": SCHEMA}}
    ask: Any = {"model": "m", "messages": [{"role": "system", "content": SYSTEM}, user], "tools": [tool]}
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as sdk:
        if stream:
            async with sdk.chat.completions.stream(**ask) as events:
                message: Any = (await events.get_final_completion()).choices[0].message
        else:
            message = (await sdk.chat.completions.create(**ask)).choices[0].message
    calls = [(call.function.name, json.loads(call.function.arguments or "{}")) for call in message.tool_calls or ()]
    return Said(message.content or "", calls)


async def openai_responses(url: str, *, stream: bool) -> Said:
    content = [
        {"type": "input_text", "text": QUESTION},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PICTURE}", "detail": "auto"},
    ]
    tool = {"type": "function", "name": "get_weather", "description": "Look", "parameters": SCHEMA, "strict": False}
    ask: Any = {"model": "m", "instructions": SYSTEM, "input": [{"role": "user", "content": content}], "tools": [tool]}
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as sdk:
        if stream:
            async with sdk.responses.stream(**ask) as events:
                answer: Any = await events.get_final_response()
        else:
            answer = await sdk.responses.create(**ask)
    calls = [(item.name, json.loads(item.arguments or "{}")) for item in answer.output if item.type == "function_call"]
    return Said(answer.output_text, calls)


async def anthropic_messages(url: str, *, stream: bool) -> Said:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}
    user = {"role": "user", "content": [{"type": "text", "text": QUESTION}, picture]}
    tool = {"name": "get_weather", "description": "Look", "input_schema": SCHEMA}
    ask: Any = {"model": "m", "max_tokens": 99, "system": SYSTEM, "messages": [user], "tools": [tool]}
    async with anthropic.AsyncAnthropic(base_url=url, api_key="none", max_retries=0) as sdk:
        if stream:
            async with sdk.messages.stream(**ask) as events:
                message: Any = await events.get_final_message()
        else:
            message = await sdk.messages.create(**ask)
    text = "".join(block.text for block in message.content if block.type == "text")
    return Said(text, [(block.name, block.input) for block in message.content if block.type == "tool_use"])


async def ollama_chat(url: str, *, stream: bool) -> Said:
    user = {"role": "user", "content": QUESTION, "images": [PICTURE]}
    tool = {"type": "function", "function": {"name": "get_weather", "description": "Look", "parameters": SCHEMA}}
    ask: Any = {"model": "m", "messages": [{"role": "system", "content": SYSTEM}, user], "tools": [tool]}
    async with ollama.AsyncClient(host=url) as sdk:
        if stream:
            parts: list[Any] = [part async for part in await sdk.chat(**ask, stream=True)]
        else:
            parts = [await sdk.chat(**ask)]
    assert parts[-1].done
    calls = [call.function for part in parts for call in part.message.tool_calls or ()]
    text = "".join(part.message.content or "" for part in parts)
    return Said(text, [(call.name, dict(call.arguments)) for call in calls])


FRONTS: list[Callable[..., Awaitable[Said]]] = [openai_chat, openai_responses, anthropic_messages, ollama_chat]


def recorded_stream(dialect):
    (path,) = (path for path in GOLDEN.glob(f"{dialect}/{RECORDED[dialect]}.*") if path.suffix in (".sse", ".ndjson"))
    return path.read_bytes()


def recorded_whole(dialect):
    return (GOLDEN / dialect / f"{RECORDED[dialect]}.json").read_bytes()


def meant(dialect):
    """Return what the recorded answer says, by the dialect's own reading."""
    known = get(dialect)
    assert known is not None
    output = known.decode(ChatRequest(), 200, {}, recorded_whole(dialect)).output
    assert isinstance(output, ChatResponse)
    message = output.choices[0].message
    assert message is not None
    calls = [block.tool_call for block in message.content if block.tool_call is not None]
    return Said(output.text, [(call.name, json.loads(call.arguments or "{}")) for call in calls])


@asynccontextmanager
async def gateway_before(tmp_path, dialect):
    """Run a gateway before a provider that answers with recorded bytes, streamed or whole as it is asked."""

    async def behave(peer):
        streamed = ":streamGenerateContent" in peer.path or peer.body.get("stream")
        if not streamed:
            await peer.reply(200, recorded_whole(dialect))
            return
        await peer.head(200, {"content-type": "text/event-stream"})
        await peer.send(recorded_stream(dialect))

    async with provider(behave) as up:
        communication = Communication(dialect=dialect, auth=Auth(AuthMethod.NONE))
        resources = [
            catalogs.model(limits=ModelLimits(max_output_tokens=100)),
            catalogs.endpoint("a", up.url, communication=communication),
        ]
        async with gateway_knowing(tmp_path, resources) as gateway:
            yield f"http://{gateway.http_address}", up


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("dialect", RECORDED)
@pytest.mark.parametrize("front", FRONTS, ids=lambda front: front.__name__)
async def test_question_and_answer_arrive_whole(tmp_path, front, dialect, stream):
    async with gateway_before(tmp_path, dialect) as (url, up):
        said = await front(url, stream=stream)
    assert said == meant(dialect)
    (peer,) = up.seen
    for part in (SYSTEM, QUESTION, PICTURE, "get_weather"):
        assert part in peer.raw.decode()
