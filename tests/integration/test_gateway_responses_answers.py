"""The Responses front, driven by the official SDK, over providers of either of OpenAI's formats."""

import json
from typing import Any

import pydantic
import pytest

from tests import providers
from tests.providers import TOKENS
from tests.response_fronts import CHAT, SAME, TOOL, front_over, streamed
from tests.response_providers import THOUGHT, answering, call, message

WORDS = "".join(TOKENS)


def chat_answer(answer, finish="stop"):
    """A whole or streamed chat completion with this message."""

    async def behave(peer):
        if not peer.body.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", **answer}, "finish_reason": finish}
            body = {"id": "c", "created": 1, "model": "served", "choices": [choice], "usage": providers.USAGE}
            await peer.reply(200, json.dumps(body).encode())
            return
        await providers.stream_head(peer)
        calls = answer.get("tool_calls", ())
        for name in ("reasoning_content", "content", "refusal"):
            if answer.get(name):
                await peer.event(providers.chunk({name: answer[name]}))
        for i, one in enumerate(calls):
            begun = {**one, "index": i, "function": {"name": one["function"]["name"], "arguments": ""}}
            await peer.event(providers.chunk({"tool_calls": [begun]}))
        # Deltas of parallel calls may interleave.
        for piece in range(2):
            for i, one in enumerate(calls):
                arguments = one["function"]["arguments"]
                half = arguments[len(arguments) // 2 :] if piece else arguments[: len(arguments) // 2]
                await peer.event(providers.chunk({"tool_calls": [{"index": i, "function": {"arguments": half}}]}))
        await peer.event(providers.chunk({}, finish))
        await peer.event({**providers.chunk({}), "choices": [], "usage": providers.USAGE})
        await peer.event(b"[DONE]")

    return behave


WEATHER = {
    "content": None,
    "tool_calls": [
        {"id": f"call_{i}", "type": "function", "function": {"name": "weather", "arguments": f'{{"city":"{city}"}}'}}
        for i, city in enumerate(("Köln", "Bonn"))
    ],
}


@pytest.mark.parametrize(
    ("ask", "behaviour"),
    [pytest.param(CHAT, providers.ok, id="chat"), pytest.param(SAME, answering(message(WORDS)), id="responses")],
)
async def test_the_sdk_creates_and_streams(tmp_path, ask, behaviour):
    async with front_over(tmp_path, behaviour) as front:
        whole = await front.sdk.responses.create(**ask, instructions="Be brief.", metadata={"a": "b"})
        events, final = await streamed(front, **ask)
        raw = [event async for event in await front.sdk.responses.create(**ask, stream=True)]
    assert whole.output_text == final.output_text == WORDS
    assert (whole.status, final.status) == ("completed", "completed")
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == WORDS
    assert [event.sequence_number for event in raw] == list(range(len(raw)))
    assert raw[-1].type == "response.completed"
    for answer in (whole, final):
        assert answer.usage is not None
        assert answer.usage.total_tokens in (14, 16)
        account = (answer.model_extra or {})["airegistry"]
        assert account["target"] == f"models/{ask['model']}/endpoints/a"


async def test_the_events_are_those_of_openai(tmp_path):
    thinking = {"reasoning_content": "Hm.", "content": "I look.", "tool_calls": WEATHER["tool_calls"]}
    async with front_over(tmp_path, chat_answer(thinking, "tool_calls")) as front:
        raw = [event async for event in await front.sdk.responses.create(**CHAT, stream=True)]
    assert [event.type.removeprefix("response.") for event in raw] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "output_item.added",
        *["function_call_arguments.delta"] * 4,
        "function_call_arguments.done",
        "output_item.done",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


@pytest.mark.parametrize(
    ("ask", "behaviour"),
    [
        pytest.param(CHAT, chat_answer(WEATHER, "tool_calls"), id="chat"),
        pytest.param(
            SAME,
            answering(call("weather", '{"city":"Köln"}', 0), call("weather", '{"city":"Bonn"}', 1)),
            id="responses",
        ),
    ],
)
async def test_tools_are_called_in_parallel(tmp_path, ask, behaviour):
    async with front_over(tmp_path, behaviour) as front:
        whole = await front.sdk.responses.create(**ask, tools=[TOOL], tool_choice="required", parallel_tool_calls=True)
        _, final = await streamed(front, **ask, tools=[TOOL])
        sent = front.up.seen[0].body
    for answer in (whole, final):
        calls = [item for item in answer.output if item.type == "function_call"]
        assert [(one.call_id, one.name, json.loads(one.arguments)["city"]) for one in calls] == [
            ("call_0", "weather", "Köln"),
            ("call_1", "weather", "Bonn"),
        ]
    assert sent["tool_choice"] == "required"


async def test_a_history_of_responses_reaches_a_chat_model(tmp_path):
    history: Any = [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "Look"}, {"type": "input_image", "image_url": "https://a/b"}],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "I look.", "annotations": []}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "rain"},
    ]
    async with front_over(tmp_path, providers.ok) as front:
        answer = await front.sdk.responses.create(model="m", input=history, tools=[TOOL])
        sent = front.up.seen[0].body["messages"]
    assert [one["role"] for one in sent] == ["system", "user", "assistant", "tool"]
    assert sent[1]["content"][1] == {"type": "image_url", "image_url": {"url": "https://a/b"}}
    assert sent[2]["content"] == "I look."
    assert sent[2]["tool_calls"][0]["function"]["name"] == "weather"
    assert sent[3] == {"role": "tool", "tool_call_id": "c", "content": "rain"}
    assert any("thinking" in warning for warning in (answer.model_extra or {})["airegistry"]["warnings"])


class City(pydantic.BaseModel):
    name: str
    people: int


CITY = '{"name": "Köln", "people": 1087353}'


@pytest.mark.parametrize(
    ("ask", "behaviour"),
    [
        pytest.param(CHAT, chat_answer({"content": CITY}), id="chat"),
        pytest.param(SAME, answering(message(CITY)), id="responses"),
    ],
)
async def test_the_sdk_parses(tmp_path, ask, behaviour):
    async with front_over(tmp_path, behaviour) as front:
        whole = await front.sdk.responses.parse(**ask, text_format=City)
        _, final = await streamed(front, **ask, text_format=City)
        sent = front.up.seen[0].body
    assert whole.output_parsed == final.output_parsed == City(name="Köln", people=1087353)
    form = sent["text"]["format"] if "text" in sent else sent["response_format"]["json_schema"]
    assert (form["name"], form["strict"]) == ("City", True)


@pytest.mark.parametrize(
    ("ask", "behaviour"),
    [
        pytest.param(CHAT, chat_answer({"content": "Half a"}, "length"), id="chat"),
        pytest.param(
            SAME,
            answering(message("Half a"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            id="responses",
        ),
    ],
)
async def test_an_answer_that_ran_out_of_tokens_is_incomplete(tmp_path, ask, behaviour):
    async with front_over(tmp_path, behaviour) as front:
        whole = await front.sdk.responses.create(**ask, max_output_tokens=16)
        raw = [event async for event in await front.sdk.responses.create(**ask, stream=True)]
    assert whole.status == "incomplete"
    assert whole.incomplete_details is not None
    assert whole.incomplete_details.reason == "max_output_tokens"
    last = raw[-1]
    assert last.type == "response.incomplete"
    assert last.response.output_text == "Half a"


async def test_a_refusal_is_a_refusal(tmp_path):
    async with front_over(tmp_path, chat_answer({"refusal": "No."})) as front:
        whole = await front.sdk.responses.create(**CHAT)
        events, final = await streamed(front, **CHAT)
    for answer in (whole, final):
        assert answer.output[0].type == "message"
        assert answer.output[0].content[0].type == "refusal"
        assert answer.output[0].content[0].refusal == "No."
    assert "response.refusal.delta" in [event.type for event in events]


async def test_other_fronts_reach_targets_that_speak_responses(tmp_path):
    answer = answering(THOUGHT, message("Rain."), call("weather", "{}"))
    async with front_over(tmp_path, answer) as front:
        messages: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}]
        whole = await front.sdk.chat.completions.create(model="same", messages=messages)
        stream = await front.sdk.chat.completions.create(model="same", messages=messages, stream=True)
        chunks = [chunk async for chunk in stream]
        sent = front.up.seen[0].body
    assert sent == {
        "model": "served",
        "instructions": "Be brief.",
        "input": [{"type": "message", "role": "user", "content": "Weather?"}],
        "store": False,
    }
    assert whole.choices[0].message.content == "Rain."
    assert whole.choices[0].finish_reason == "tool_calls"
    assert whole.usage is not None
    assert whole.usage.completion_tokens_details is not None
    assert whole.usage.completion_tokens_details.reasoning_tokens == 2
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "Rain."
