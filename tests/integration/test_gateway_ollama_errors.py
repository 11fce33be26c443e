"""What callers of the Ollama front get when something is wrong, and what a caller that goes away takes with it."""

import asyncio
import json

import ollama
import pytest

from tests import ollamas, providers
from tests.ollama_fronts import ASK, HOW, MODELS, asked, front_over, lines_of, talk
from tests.providers import LEAVING


@pytest.mark.parametrize(
    ("path", "body", "code", "words"),
    [
        ("/api/chat", b"{", 400, "not valid JSON"),
        ("/api/chat", {"messages": ASK}, 400, "model: is required"),
        ("/api/chat", asked("x"), 404, "x"),
        ("/api/chat", asked("nobody"), 503, "nobody serves"),
        ("/api/chat", asked("e-own"), 400, "dialect"),
        ("/api/chat", asked("own", format="yaml"), 400, "format: must be"),
        ("/api/chat", asked("own", think="very"), 400, "think: must be"),
        ("/api/chat", asked("own", options={"temperature": 9}), 400, "options.temperature: must be"),
        ("/api/chat", asked("own", options={"num_predict": "many"}), 400, "options.num_predict: must be an integer"),
        (
            "/api/chat",
            asked("own", messages=[{"role": "user", "content": "x", "images": ["%"]}]),
            400,
            "messages[0].images[0]",
        ),
        ("/api/chat", asked("own", messages=[{"role": "tool", "content": "x"}]), 400, "messages[0].tool_name"),
        ("/api/embed", {"model": "e-own", "input": 3}, 400, "input: must be"),
        ("/api/whatever", {}, 404, "nothing that this gateway answers"),
        ("/api/tags", {}, 405, "it takes GET"),
        ("/api/chat", b'"' + b"x" * 70_000, 413, "more than"),
    ],
)
async def test_every_refusal_has_ollamas_shape(tmp_path, path, body, code, words):
    async with front_over(tmp_path, gateway_max_body_bytes=65_536) as front:
        got, data, headers = await front.post(path, body)
    assert got == code
    assert headers["content-type"] == "application/json"
    answer = json.loads(data)
    assert answer.keys() == {"error", "reason"}
    assert words in answer["error"]
    assert (front.own.seen, front.foreign.seen) == ([], [])


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (ollamas.status(400, '"served" does not support tools'), 400),
        (ollamas.status(400, "the input length exceeds the context length"), 400),
        (ollamas.status(401, "unauthorized"), 502),
        (ollamas.status(404, 'model "served" not found, try pulling it first'), 502),
        (ollamas.status(500, "llama runner process has terminated"), 502),
        (ollamas.status(503, "server busy", {"retry-after": "7"}), 503),
        (providers.html, 502),
    ],
    ids=["400", "context", "401", "404", "500", "503", "html"],
)
@HOW
async def test_a_failure_before_the_answer_has_a_status(tmp_path, behaviour, code, stream):
    async with front_over(tmp_path, own=behaviour) as front:
        with pytest.raises(ollama.ResponseError) as caught:
            await talk(front, "own", stream=stream)
    assert caught.value.status_code == code


async def test_a_busy_provider_says_when_to_come_back(tmp_path):
    async with front_over(tmp_path, own=ollamas.status(503, "server busy", {"retry-after": "7"})) as front:
        _, _, headers = await front.post("/api/chat", asked("own"))
    assert headers["retry-after"] == "7"


async def gather(parts, stream):
    """Put parts into a list as they come, so that those before an error are there."""
    async for part in stream:
        parts.append(part)


@pytest.mark.parametrize(
    ("own", "foreign"),
    [
        (ollamas.saying(ollamas.message_line(content="One"), {"error": "it crashed"}), providers.error_inside),
        (ollamas.truncated, providers.truncated),
    ],
    ids=["error-inside", "cut"],
)
@MODELS
async def test_a_failure_in_the_middle_is_the_last_line(tmp_path, own, foreign, model):
    async with front_over(tmp_path, own, foreign) as front:
        code, data, _ = await front.post("/api/chat", {"model": model, "messages": ASK})
        parts: list[ollama.ChatResponse] = []
        with pytest.raises(ollama.ResponseError):
            await gather(parts, await front.sdk.chat(model, ASK, stream=True))
    assert code == 200
    *before, last = lines_of(data)
    assert last.keys() == {"error", "reason"}
    assert all(line["done"] is False for line in before)
    assert parts
    assert not any(part.done for part in parts)


@MODELS
@HOW
async def test_a_caller_that_goes_away_takes_the_upstream_call_with_it(tmp_path, model, stream):
    own, foreign = ollamas.hang_in_the_middle, providers.hang_in_the_middle
    if not stream:
        own = foreign = providers.hang_before_headers
    async with front_over(tmp_path, own, foreign) as front:
        up = front.own if model == "own" else front.foreign
        if stream:
            async for _ in await front.sdk.chat(model, ASK, stream=True):
                break
            await front.sdk.close()
        else:
            task = asyncio.ensure_future(front.sdk.chat(model, ASK))
            await asyncio.wait_for(up.asked.wait(), LEAVING)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(LEAVING):
            await up.seen[0].gone.wait()
