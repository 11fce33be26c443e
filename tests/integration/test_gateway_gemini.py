"""OpenAI's SDK at the gateway, Gemini's format behind it."""

import json
from pathlib import Path
from typing import Any

import openai
from google.genai import types

from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from tests import catalogs
from tests.planes import gateway_knowing
from tests.providers import provider

GOLDEN = Path(__file__).parents[1] / "golden" / "gemini.generate_content"
SPEAKS = Communication(dialect="gemini.generate_content", auth=Auth(AuthMethod.HEADER, "x-goog-api-key"))
TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
ASK: Any = {"model": "m", "messages": [{"role": "user", "content": "Weather and time?"}], "tools": TOOLS}


def recorded(case):
    """Answer with recorded bytes, streamed or whole as it was asked for."""

    async def behave(peer):
        if ":streamGenerateContent" in peer.path:
            await peer.head(200, {"content-type": "text/event-stream"})
            await peer.send((GOLDEN / f"{case}.sse").read_bytes())
        else:
            await peer.reply(200, (GOLDEN / f"{case}.json").read_bytes())

    return behave


def asking(tmp_path, up):
    resources = [catalogs.model(), catalogs.endpoint("a", up.url, communication=SPEAKS, credential="GEMINI_API_KEY")]
    return gateway_knowing(tmp_path, resources, environment={"GEMINI_API_KEY": "secret"})


async def test_calls_with_signed_thoughts_go_round(tmp_path):
    async with (
        provider(recorded("thoughts_and_parallel_calls")) as up,
        asking(tmp_path, up) as gateway,
        openai.AsyncOpenAI(base_url=f"http://{gateway.http_address}/v1", api_key="none") as sdk,
    ):
        whole = await sdk.chat.completions.create(**ASK)
        stream = await sdk.chat.completions.create(**ASK, stream=True)
        chunks = [chunk async for chunk in stream]
    (peer, streamed) = up.seen
    assert peer.headers["x-goog-api-key"] == "secret"
    assert (peer.path, streamed.path) == (
        "/v1/models/served:generateContent",
        "/v1/models/served:streamGenerateContent?alt=sse",
    )
    types.Content.model_validate(json.loads(peer.raw)["contents"][0])
    choice = whole.choices[0]
    assert choice.finish_reason == chunks[-1].choices[0].finish_reason == "tool_calls"
    calls = choice.message.tool_calls or []
    assert [(call.id, call.function.name) for call in calls] == [("call_rX1-aZ_0_0", "weather"), ("fc-9", "time")]
    starts = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert [(call.index, call.function.name) for call in starts if call.function] == [(0, "weather"), (1, "time")]
    assert whole.usage is not None
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (60, 53)
    assert whole.usage.prompt_tokens_details.cached_tokens == 40


def test_the_recorded_bytes_are_what_googles_sdk_reads():
    for path in GOLDEN.glob("*.json"):
        types.GenerateContentResponse.model_validate(json.loads(path.read_bytes()))
