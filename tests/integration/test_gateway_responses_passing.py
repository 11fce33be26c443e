"""The Responses front over targets of its own format, which get and give all of it, and what others cannot do."""

from typing import Any

import pytest

from tests import providers
from tests.response_fronts import CHAT, SAME, TOOL, front_over, streamed
from tests.response_providers import THOUGHT, answering, call, message


async def test_results_of_tools_and_thoughts_go_back(tmp_path):
    asked = [{"role": "user", "content": "Weather?"}]
    async with front_over(tmp_path, answering(THOUGHT, call("weather", "{}")), answering(message("Rain."))) as front:
        first = await front.sdk.responses.create(model="same", input=asked, tools=[TOOL])
        history = [*asked, *(item.model_dump(exclude_none=True) for item in first.output)]
        history.append({"type": "function_call_output", "call_id": "call_1", "output": "rain"})
        second = await front.sdk.responses.create(model="same", input=history, tools=[TOOL])
        assert second.output_text == "Rain."
        assert front.up.seen[1].body["input"][1]["encrypted_content"] == THOUGHT["encrypted_content"]


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
