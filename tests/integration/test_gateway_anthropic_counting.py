"""The Anthropic front: tokens are counted by who would answer, and models are listed as the SDK wants them."""

import anthropic
import pytest

from airegistry.resources.model import Capability
from tests import anthropic_provider as claude
from tests import catalogs, providers
from tests.anthropic_front import HELLO, WEATHER, front_over, over_claude


async def test_tokens_are_counted_by_who_would_answer(tmp_path):
    async with over_claude(tmp_path) as front:
        answer = await front.sdk.messages.with_raw_response.count_tokens(model="m", messages=HELLO, tools=[WEATHER])
        assert (await answer.parse()).input_tokens == 2095
        assert (await answer.json())["airegistry"] == {
            "target": "models/m/endpoints/a",
            "attempts": 1,
            "model": "models/m",
            "provider": "a",
            "estimated": False,
        }
        assert "x-airegistry-estimated" not in answer.headers
        assert front.up.seen[0].path == "/v1/messages/count_tokens"
        assert front.up.seen[0].body == {"model": "served", "messages": HELLO, "tools": [WEATHER]}


@pytest.mark.parametrize(
    ("communication", "facts"),
    [
        pytest.param(catalogs.OPEN, {}, id="another-format"),
        pytest.param(claude.OPEN, {"capabilities": {"count_tokens": Capability(supported=False)}}, id="declared"),
    ],
)
async def test_where_nobody_counts_an_estimate_says_that_it_is_one(tmp_path, communication, facts):
    async with front_over(tmp_path, providers.ok, communication=communication, facts=facts) as front:
        answer = await front.sdk.messages.with_raw_response.count_tokens(model="m", messages=HELLO)
        # 13 bytes of text are 4 tokens, and a message has 4 of its own.
        assert (await answer.parse()).input_tokens == 8
        assert answer.headers["x-airegistry-estimated"] == "true"
        assert (await answer.json())["airegistry"]["estimated"] is True
        assert front.up.seen == []


async def test_a_count_is_retried_and_fails_as_an_answer_would(tmp_path):
    async with over_claude(tmp_path, claude.refusing(500, "api_error"), claude.ok) as front:
        assert (await front.sdk.messages.count_tokens(model="m", messages=HELLO)).input_tokens == 2095
        assert len(front.up.seen) == 2
    async with over_claude(tmp_path, claude.refusing(400, "invalid_request_error", "bad")) as front:
        with pytest.raises(anthropic.BadRequestError):
            await front.sdk.messages.count_tokens(model="m", messages=HELLO)


async def test_the_sdk_lists_models_page_by_page(tmp_path):
    async with front_over(tmp_path, providers.ok) as front:
        listed = [model async for model in front.sdk.models.list(limit=1)]
        backwards = [model.id async for model in front.sdk.models.list(limit=1, before_id="r")]
        one = await front.sdk.models.retrieve("models/m")
        with pytest.raises(anthropic.NotFoundError):
            await front.sdk.models.retrieve("nobody")
        with pytest.raises(anthropic.BadRequestError):
            await front.sdk.models.list(after_id="what")
    assert [(model.id, model.type, model.lifecycle) for model in listed] == [
        ("m", "model", "active"),
        ("r", "model", "active"),
    ]
    assert backwards == ["m"]
    assert (one.id, one.display_name, one.max_input_tokens, one.max_tokens) == ("models/m", "Em", 1000, 200)


async def test_other_clients_get_models_in_openais_shape(tmp_path):
    async with front_over(tmp_path, providers.ok) as front, front.http.get("/v1/models") as reply:
        assert (await reply.json())["object"] == "list"
