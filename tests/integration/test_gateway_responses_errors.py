"""The Responses front: callers who ask wrongly, providers that fail, callers who go away."""

import asyncio
import json
from typing import Any

import openai
import pytest

from tests import providers, response_providers
from tests.providers import LEAVING, status
from tests.response_fronts import CHAT, SAME, TOOL, front_over
from tests.response_providers import answering, begins_and_fails, begins_and_hangs


async def gathered(stream, events):
    """Put the events of a stream into a list, up to where it breaks."""
    async for event in stream:
        events.append(event)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"input": None}, "input", id="no-input"),
        pytest.param({"input": []}, "input", id="empty-input"),
        pytest.param({"input": [{"role": "robot", "content": "x"}]}, "input[0].role", id="role"),
        pytest.param({"input": [{"role": "user", "content": [{"type": "x"}]}]}, "input[0].content[0].type", id="part"),
        pytest.param(
            {
                "input": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "input_text", "text": "a"},
                            {"type": "input_image", "image_url": "cat.png"},
                        ],
                    }
                ]
            },
            "input[0].content[1]",
            id="url",
        ),
        pytest.param({"temperature": 3}, "temperature", id="temperature"),
        pytest.param({"max_output_tokens": 0}, "max_output_tokens", id="limit"),
        pytest.param({"tools": [{**TOOL, "name": "a b"}]}, "tools[0].name", id="tool"),
        pytest.param({"tool_choice": {"type": "function", "name": "x"}}, "tool_choice.name", id="choice"),
        pytest.param({"text": {"format": {"type": "x"}}}, "text.format.type", id="form"),
        pytest.param({"reasoning": {"effort": "x"}}, "reasoning.effort", id="effort"),
        pytest.param({"model": "x"}, None, id="model"),
    ],
)
async def test_what_is_wrong_is_named_as_the_caller_names_it(tmp_path, fields, param):
    async with front_over(tmp_path, providers.ok) as front:
        code, answer = await front.post({**CHAT, **fields})
        assert front.up.seen == []
    assert (code, answer["error"]["param"]) == (404 if "model" in fields else 400, param)


@pytest.mark.parametrize("stream", [pytest.param(False, id="whole"), pytest.param(True, id="streamed")])
@pytest.mark.parametrize("ask", [pytest.param(CHAT, id="chat"), pytest.param(SAME, id="responses")])
@pytest.mark.parametrize(
    ("behaviour", "cls"),
    [
        pytest.param(status(400), openai.BadRequestError, id="400"),
        pytest.param(status(429, headers={"retry-after": "7"}), openai.RateLimitError, id="429"),
        pytest.param(status(503), openai.InternalServerError, id="503"),
        pytest.param(providers.html, openai.InternalServerError, id="html"),
        pytest.param(providers.reset_before_headers, openai.InternalServerError, id="reset"),
    ],
)
async def test_a_provider_that_fails_before_its_answer_is_an_error_of_the_sdk(tmp_path, ask, behaviour, cls, stream):
    async with front_over(tmp_path, behaviour) as front:
        with pytest.raises(cls) as failed:
            await front.sdk.responses.create(**ask, stream=stream)
    if cls is openai.RateLimitError:
        assert failed.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("ask", "behaviour", "code"),
    [
        pytest.param(CHAT, providers.truncated, "truncated_answer", id="chat-cut"),
        pytest.param(CHAT, providers.error_inside, "provider_failed", id="chat-error"),
        pytest.param(SAME, response_providers.begins_and_ends, "truncated_answer", id="responses-cut"),
        pytest.param(
            SAME, begins_and_fails(code="rate_limit_exceeded", message="slow"), "rate_limit_exceeded", id="failed"
        ),
    ],
)
async def test_a_stream_that_breaks_is_an_error_for_the_sdk(tmp_path, ask, behaviour, code):
    async with front_over(tmp_path, behaviour) as front:
        stream = await front.sdk.responses.create(**ask, stream=True)
        events: list[Any] = []
        with pytest.raises(openai.APIError) as failed:
            await gathered(stream, events)
    assert failed.value.code == code
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert events[-1].type not in ("response.completed", "response.incomplete")
    numbers = [event.sequence_number for event in events]
    assert numbers == list(range(len(numbers)))


async def test_a_failure_whole_is_the_error_that_it_tells(tmp_path):
    failed = answering(status="failed", error={"code": "invalid_prompt", "message": "flagged"})
    async with front_over(tmp_path, failed) as front:
        with pytest.raises(openai.BadRequestError) as refused:
            await front.sdk.responses.create(**SAME)
    assert refused.value.code == "content_filter"


@pytest.mark.parametrize(
    ("ask", "behaviour", "stream"),
    [
        pytest.param(CHAT, providers.hang_before_headers, False, id="whole"),
        pytest.param(CHAT, providers.hang_in_the_middle, True, id="chat-mid-stream"),
        pytest.param(SAME, providers.hang_before_headers, True, id="before-headers"),
        pytest.param(SAME, begins_and_hangs, True, id="responses-mid-stream"),
    ],
)
async def test_a_caller_that_goes_away_cancels_the_provider_at_once(tmp_path, ask, behaviour, stream):
    async with front_over(tmp_path, behaviour) as front:
        asking = asyncio.ensure_future(front.http.post("/v1/responses", data=json.dumps({**ask, "stream": stream})))
        await asyncio.wait_for(front.up.asked.wait(), LEAVING)
        if "hang" in behaviour.__name__ and stream and behaviour is not providers.hang_before_headers:
            reply = await asking
            await reply.content.readany()
            reply.close()
        asking.cancel()
        async with asyncio.timeout(LEAVING):
            await front.up.seen[0].gone.wait()
