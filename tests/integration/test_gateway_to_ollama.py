"""Callers of OpenAI's and of Anthropic's APIs, by their official SDKs, over a provider that speaks Ollama's format."""

import base64
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import openai
import pytest

from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from tests import catalogs, ollamas
from tests.planes import gateway_knowing
from tests.providers import TOKENS, provider

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DATA_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
ASK: Any = [{"role": "user", "content": "Say something"}]
SCHEMA: Any = {"type": "object", "properties": {"city": {"type": "string"}}}
CALL = {"function": {"name": "weather", "arguments": {"city": "Lima"}}}


@asynccontextmanager
async def over_ollama(folder, behaviour=ollamas.ok):
    """Run a gateway that serves an Ollama's model as `m`, and lend both SDKs and the provider."""
    async with provider(behaviour) as up:
        host = up.url.removesuffix("/v1")
        chat = Communication(dialect="ollama.chat", auth=Auth(AuthMethod.NONE))
        resources = [catalogs.model(), catalogs.endpoint("a", host, communication=chat)]
        async with gateway_knowing(folder, resources) as gateway:
            url = f"http://{gateway.http_address}"
            async with (
                openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as gpt,
                anthropic.AsyncAnthropic(base_url=url, api_key="none", max_retries=0) as claude,
            ):
                yield gpt, claude, up


async def test_openais_sdk_talks_to_an_ollama(tmp_path):
    async with over_ollama(tmp_path) as (gpt, _, up):
        whole = await gpt.chat.completions.create(model="m", messages=ASK, max_tokens=9, temperature=0, seed=3)
        stream = await gpt.chat.completions.create(
            model="m", messages=ASK, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    assert whole.choices[0].message.content == "".join(TOKENS)
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (10, 4)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "".join(TOKENS)
    assert chunks[-1].usage is not None
    assert up.seen[0].path == "/api/chat"
    assert up.seen[0].body["options"] == {"num_predict": 9, "temperature": 0.0, "seed": 3}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_openais_sdk_calls_tools_of_an_ollama(tmp_path, stream):
    tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
    async with over_ollama(tmp_path, ollamas.answering({"tool_calls": [CALL]})) as (gpt, _, up):
        if stream:
            async with gpt.chat.completions.stream(model="m", messages=ASK, tools=tools) as events:
                answer: Any = await events.get_final_completion()
        else:
            answer = await gpt.chat.completions.create(model="m", messages=ASK, tools=tools)
        (call,) = answer.choices[0].message.tool_calls
        assert answer.choices[0].finish_reason == "tool_calls"
        assert (call.function.name, call.function.arguments) == ("weather", '{"city":"Lima"}')
        turns: Any = [*ASK, answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "warm"}]
        await gpt.chat.completions.create(model="m", messages=turns, tools=tools)
    _, asked, told = up.seen[1].body["messages"]
    assert asked["tool_calls"][0]["function"]["arguments"] == {"city": "Lima"}
    assert told == {"role": "tool", "content": "warm", "tool_call_id": call.id, "tool_name": "weather"}


async def test_openais_sdk_gets_structured_output_of_an_ollama(tmp_path):
    form: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
    async with over_ollama(tmp_path, ollamas.answering({"content": '{"city": "Lima"}'})) as (gpt, _, up):
        answer = await gpt.chat.completions.create(model="m", messages=ASK, response_format=form)
    assert answer.choices[0].message.content == '{"city": "Lima"}'
    assert up.seen[0].body["format"] == SCHEMA


async def test_openais_sdk_shows_an_ollama_bytes_and_no_urls(tmp_path):
    def look(url) -> Any:
        return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]

    async with over_ollama(tmp_path) as (gpt, _, up):
        await gpt.chat.completions.create(model="m", messages=look(DATA_URL))
        with pytest.raises(openai.BadRequestError) as caught:
            await gpt.chat.completions.create(model="m", messages=look("https://example.com/a.png"))
    assert up.seen[0].body["messages"][0]["images"] == [base64.b64encode(PNG).decode()]
    assert len(up.seen) == 1
    assert caught.value.param == "messages[0].content[0].image_url.url"


async def test_anthropics_sdk_talks_to_an_ollama(tmp_path):
    async with over_ollama(tmp_path) as (_, claude, up):
        whole: Any = await claude.messages.create(model="m", messages=ASK, max_tokens=9, system="Be kind.")
        async with claude.messages.stream(model="m", messages=ASK, max_tokens=9) as events:
            streamed: Any = await events.get_final_message()
    for message in (whole, streamed):
        assert message.content[0].text == "".join(TOKENS)
        assert message.stop_reason == "end_turn"
        assert (message.usage.input_tokens, message.usage.output_tokens) == (10, 4)
    assert up.seen[0].body["messages"][0] == {"role": "system", "content": "Be kind."}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_anthropics_sdk_sees_an_ollama_think_and_call_tools(tmp_path, stream):
    tools: Any = [{"name": "weather", "input_schema": SCHEMA}]
    behaviour = ollamas.answering({"thinking": "Hm.", "tool_calls": [CALL]})
    async with over_ollama(tmp_path, behaviour) as (_, claude, up):
        if stream:
            async with claude.messages.stream(model="m", messages=ASK, max_tokens=9, tools=tools) as events:
                answer: Any = await events.get_final_message()
        else:
            answer = await claude.messages.create(model="m", messages=ASK, max_tokens=9, tools=tools)
        thought, call = answer.content
        assert (thought.type, thought.thinking) == ("thinking", "Hm.")
        assert (call.name, call.input, answer.stop_reason) == ("weather", {"city": "Lima"}, "tool_use")
        result: Any = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "warm"}]}
        turns: Any = [*ASK, {"role": "assistant", "content": answer.content}, result]
        await claude.messages.create(model="m", messages=turns, max_tokens=9, tools=tools)
    _, asked, told = up.seen[1].body["messages"]
    assert asked["thinking"] == "Hm."
    assert told == {"role": "tool", "content": "warm", "tool_call_id": call.id, "tool_name": "weather"}
