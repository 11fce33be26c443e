"""The Responses front, driven by the official SDK and by plain HTTP, over providers of either of OpenAI's formats."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import openai
import pydantic
import pytest

from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.route import RequestOverrides, RouteTarget, RouteTier
from tests import catalogs, providers, response_providers
from tests.planes import gateway_knowing
from tests.providers import TOKENS, Provider, provider, status
from tests.response_providers import THOUGHT, answering, begins_and_fails, begins_and_hangs, call, message

SPEAKS_RESPONSES = Communication(dialect="openai.responses", auth=Auth(AuthMethod.NONE))
WORDS = "".join(TOKENS)
TOOL: Any = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
CHAT: Any = {"model": "m", "input": "Say something"}
SAME: Any = {"model": "same", "input": "Say something"}


@dataclass
class Front:
    sdk: openai.AsyncOpenAI
    http: aiohttp.ClientSession
    up: Provider

    async def post(self, body: Any) -> tuple[int, Any]:
        async with self.http.post("/v1/responses", data=json.dumps(body)) as reply:
            return reply.status, await reply.json()


@asynccontextmanager
async def front_over(folder, *behaviours):
    """Run a provider, and a gateway that serves it as model `m` in chat completions and as model `same` in responses.

    Route `either` tries them in that order, route `capped` limits what it asks of `same`.
    """
    async with provider(*behaviours) as up:
        overrides = RequestOverrides(max_output_tokens=7, reasoning_effort="low")
        resources = [
            *catalogs.served(up.url),
            catalogs.model("same"),
            catalogs.endpoint("a", up.url, model="same", communication=SPEAKS_RESPONSES, prices=catalogs.PRICES),
            catalogs.route(
                "either",
                tiers=(RouteTier((RouteTarget(model="models/m"),)), RouteTier((RouteTarget(model="models/same"),))),
            ),
            catalogs.route("capped", tiers=(RouteTier((RouteTarget(model="models/same", overrides=overrides),)),)),
        ]
        async with gateway_knowing(folder, resources) as gateway:
            url = f"http://{gateway.http_address}"
            async with (
                openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as sdk,
                aiohttp.ClientSession(url) as http,
            ):
                yield Front(sdk, http, up)


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


async def gathered(stream, events):
    """Put the events of a stream into a list, up to where it breaks."""
    async for event in stream:
        events.append(event)


async def streamed(front, **asked):
    async with front.sdk.responses.stream(**asked) as stream:
        events = [event async for event in stream]
        return events, await stream.get_final_response()


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


async def test_results_of_tools_and_thoughts_go_back(tmp_path):
    asked = [{"role": "user", "content": "Weather?"}]
    async with front_over(tmp_path, answering(THOUGHT, call("weather", "{}")), answering(message("Rain."))) as front:
        first = await front.sdk.responses.create(model="same", input=asked, tools=[TOOL])
        history = [*asked, *(item.model_dump(exclude_none=True) for item in first.output)]
        history.append({"type": "function_call_output", "call_id": "call_1", "output": "rain"})
        second = await front.sdk.responses.create(model="same", input=history, tools=[TOOL])
        assert second.output_text == "Rain."
        assert front.up.seen[1].body["input"][1]["encrypted_content"] == THOUGHT["encrypted_content"]


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


async def test_thoughts_of_another_provider_do_not_reach_a_target_of_this_format(tmp_path):
    thoughts = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "airegistry:EqQBCk"},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAAAown"},
    ]
    history: Any = [{"role": "user", "content": "Hi"}, *thoughts, {"role": "user", "content": "Go on"}]
    async with front_over(tmp_path, answering(message("Yes."))) as front:
        answer = await front.sdk.responses.create(model="same", input=history, extra_body={"odd": 1})
        sent = front.up.seen[0].body
    assert [item.get("encrypted_content") for item in sent["input"]] == [None, "gAAAAown", None]
    assert sent["odd"] == 1
    assert answer.output_text == "Yes."


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


async def test_a_target_of_the_same_format_gets_and_gives_all_of_it(tmp_path):
    body = {
        **SAME,
        "tools": [{"type": "web_search", "odd": [1.10]}],
        "previous_response_id": "resp_1",
        "store": True,
        "reasoning": {"effort": "high", "mode": "pro"},
        "unheard_of": {"b": None, "a": 1},
    }
    async with front_over(tmp_path, answering(message("Hi.", phase="final_answer"))) as front:
        code, whole = await front.post(body)
        _, final = await streamed(front, model="same", input="Hi", extra_body={"unheard_of": 1})
        assert front.up.seen[0].body == {**body, "model": "served"}
        assert front.up.seen[1].body["unheard_of"] == 1
    assert code == 200
    assert (whole["id"], whole["novel"], whole["output"][0]["phase"]) == ("resp_up", {"a": 1}, "final_answer")
    # In micro-dollars: 6 of input at 1, 6 of output at 2; the cached 4 have no price.
    assert whole["airegistry"]["cost"] == {"state": "PARTIAL", "nano_usd": 18_000, "unpriced": ["cache_read_tokens"]}
    assert final.id == "resp_up"
    assert (final.model_extra or {})["airegistry"]["target"] == "models/same/endpoints/a"


async def test_what_a_route_changes_reaches_a_target_of_the_same_format(tmp_path):
    asked = {"model": "capped", "input": "x", "max_output_tokens": 99, "reasoning": {"effort": "high", "mode": "pro"}}
    async with front_over(tmp_path, answering(message("Hi."))) as front:
        await front.post(asked)
        sent = front.up.seen[0].body
    assert (sent["max_output_tokens"], sent["reasoning"]) == (7, {"effort": "low", "mode": "pro"})


STATEFUL: Any = [
    pytest.param({"previous_response_id": "resp_1"}, "previous_response_id", id="previous"),
    pytest.param({"conversation": "conv_1"}, "conversation", id="conversation"),
    pytest.param({"background": True}, "background", id="background"),
    pytest.param({"store": True}, "store", id="store"),
    pytest.param({"prompt": {"id": "pmpt_1"}}, "prompt", id="prompt"),
    pytest.param({"tools": [TOOL, {"type": "web_search"}]}, "tools[1].type", id="web-search"),
    pytest.param({"tools": [{"type": "mcp", "server_label": "a"}]}, "tools[0].type", id="mcp"),
    pytest.param({"tool_choice": {"type": "file_search"}}, "tool_choice.type", id="choice"),
    pytest.param(
        {"input": [{"role": "user", "content": "x"}, {"type": "item_reference", "id": "i"}]}, "input[1].type", id="item"
    ),
]


@pytest.mark.parametrize("stream", [pytest.param(False, id="whole"), pytest.param(True, id="streamed")])
@pytest.mark.parametrize(("fields", "param"), STATEFUL)
async def test_what_only_the_same_format_can_do_is_refused_by_name_elsewhere(tmp_path, fields, param, stream):
    async with front_over(tmp_path, providers.ok) as front:
        code, answer = await front.post({**CHAT, **fields, "stream": stream})
        assert front.up.seen == []
    assert (code, answer["error"]["code"], answer["error"]["param"]) == (400, "unsupported_field", param)


@pytest.mark.parametrize(("fields", "_param"), STATEFUL)
async def test_what_only_the_same_format_can_do_goes_to_who_can(tmp_path, fields, _param):
    async with front_over(tmp_path, answering(message("Hi."))) as front:
        code, answer = await front.post({**CHAT, **fields, "model": "either"})
        sent = front.up.seen[0].body
    assert code == 200
    assert answer["airegistry"]["target"] == "models/same/endpoints/a"
    assert all(sent[name] == value for name, value in fields.items())


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
        await asyncio.wait_for(front.up.asked.wait(), 5)
        if "hang" in behaviour.__name__ and stream and behaviour is not providers.hang_before_headers:
            reply = await asking
            await reply.content.readany()
            reply.close()
        asking.cancel()
        async with asyncio.timeout(0.1):
            await front.up.seen[0].gone.wait()


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
