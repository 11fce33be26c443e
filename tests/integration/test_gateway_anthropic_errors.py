"""What callers of the Anthropic front see when something goes wrong, and what providers see when callers go away."""

import asyncio
import json

import anthropic
import pytest

from tests import anthropic_provider as claude
from tests import catalogs, providers
from tests.anthropic_front import ASK, front_over, over_claude
from tests.providers import LEAVING, status

BAD = {"type": "base64", "media_type": "image/png", "data": "!"}


@pytest.mark.parametrize(
    ("body", "code", "kind", "says"),
    [
        pytest.param(b"{", 400, "invalid_request_error", "JSON", id="malformed-json"),
        pytest.param({**ASK, "messages": []}, 400, "invalid_request_error", "messages: ", id="empty"),
        pytest.param({**ASK, "max_tokens": 0}, 400, "invalid_request_error", "max_tokens: ", id="no-tokens"),
        pytest.param({**ASK, "max_tokens": "x"}, 400, "invalid_request_error", "max_tokens: ", id="mistyped"),
        pytest.param(
            {**ASK, "messages": [{"role": "user", "content": [{"type": "image", "source": BAD}]}]},
            400,
            "invalid_request_error",
            "messages[0].content[0].source.data: ",
            id="bad-base64",
        ),
        pytest.param({**ASK, "output_config": {"effort": "x"}}, 400, "invalid_request_error", "effort", id="effort"),
        pytest.param({**ASK, "model": "x"}, 404, "not_found_error", "", id="unknown-model"),
        pytest.param({**ASK, "model": "nobody"}, 503, "api_error", "", id="nobody-serves"),
        pytest.param(b'"' + b"x" * 70_000, 413, "request_too_large", "", id="too-large"),
    ],
)
async def test_every_refusal_has_anthropics_shape(tmp_path, body, code, kind, says):
    async with front_over(tmp_path, providers.ok, gateway_max_body_bytes=65_536) as front:
        got, answer, headers = await front.post("/v1/messages", body)
    assert (got, answer["type"], answer["error"]["type"]) == (code, "error", kind)
    assert says in answer["error"]["message"]
    assert answer["request_id"] == headers["request-id"]
    assert front.up.seen == []


async def test_what_is_no_route_is_an_error_of_the_callers_format(tmp_path):
    async with (
        front_over(tmp_path, providers.ok) as front,
        front.http.get("/v1/nothing", headers={"anthropic-version": "2023-06-01"}) as reply,
    ):
        answer = await reply.json()
    assert (reply.status, answer["error"]["type"]) == (404, "not_found_error")


@pytest.mark.parametrize("stream", [pytest.param(False, id="whole"), pytest.param(True, id="streamed")])
@pytest.mark.parametrize(
    ("behaviour", "error", "code", "kind"),
    [
        pytest.param(status(400), anthropic.BadRequestError, 400, "invalid_request_error", id="400"),
        pytest.param(status(401), anthropic.InternalServerError, 502, "api_error", id="401"),
        pytest.param(status(500), anthropic.InternalServerError, 502, "api_error", id="500"),
        pytest.param(status(503), anthropic.OverloadedError, 529, "overloaded_error", id="503"),
        pytest.param(status(429), anthropic.RateLimitError, 429, "rate_limit_error", id="429"),
        pytest.param(status(402), anthropic.PaymentRequiredError, 402, "billing_error", id="402"),
        pytest.param(providers.html, anthropic.InternalServerError, 502, "api_error", id="html"),
        pytest.param(
            status(400, code="context_length_exceeded"),
            anthropic.BadRequestError,
            400,
            "invalid_request_error",
            id="context",
        ),
    ],
)
async def test_a_provider_that_fails_is_the_sdks_own_error(tmp_path, behaviour, error, code, kind, stream):
    async with front_over(tmp_path, behaviour, gateway_max_attempts=1) as front:
        with pytest.raises(error) as raised:
            await front.sdk.messages.create(**ASK, stream=stream)
    assert (raised.value.status_code, raised.value.type) == (code, kind)
    assert raised.value.request_id is not None


async def test_a_prompt_that_is_too_long_says_so_in_anthropics_words(tmp_path):
    async with front_over(tmp_path, status(400, "maximum context length is 8192 tokens")) as front:
        with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
            await front.sdk.messages.create(**ASK)


async def test_retry_after_is_passed_on(tmp_path):
    refusal = claude.refusing(429, "rate_limit_error", headers={"retry-after": "70"})
    async with over_claude(tmp_path, refusal) as front:
        code, _, headers = await front.post("/v1/messages", ASK)
    assert (code, headers["retry-after"]) == (429, "70")


async def note_kinds(stream, seen):
    async for event in stream:
        seen.append(event.type)


@pytest.mark.parametrize(
    ("behaviour", "communication", "kind"),
    [
        pytest.param(providers.truncated, catalogs.OPEN, "api_error", id="openai-cut"),
        pytest.param(providers.error_inside, catalogs.OPEN, "api_error", id="openai-error"),
        pytest.param(claude.truncated, claude.OPEN, "api_error", id="anthropic-cut"),
        pytest.param(claude.error_inside, claude.OPEN, "overloaded_error", id="anthropic-error"),
    ],
)
async def test_a_stream_that_breaks_is_an_error_for_the_sdk(tmp_path, behaviour, communication, kind):
    async with front_over(tmp_path, behaviour, communication=communication) as front:
        seen: list[str] = []
        with pytest.raises(anthropic.APIStatusError) as raised:
            await note_kinds(await front.sdk.messages.create(**ASK, stream=True), seen)
    assert raised.value.type == kind
    assert "content_block_delta" in seen
    assert "message_delta" not in seen
    assert "message_stop" not in seen


@pytest.mark.parametrize(
    ("behaviour", "communication", "stream"),
    [
        pytest.param(providers.hang_before_headers, catalogs.OPEN, False, id="whole-before-headers"),
        pytest.param(providers.hang_before_headers, catalogs.OPEN, True, id="streamed-before-headers"),
        pytest.param(providers.hang_in_the_middle, catalogs.OPEN, True, id="mid-stream"),
        pytest.param(claude.hang_in_the_middle, claude.OPEN, True, id="mid-relay"),
    ],
)
async def test_a_caller_that_goes_away_cancels_the_provider_at_once(tmp_path, behaviour, communication, stream):
    async with front_over(tmp_path, behaviour, communication=communication) as front:
        asking = asyncio.ensure_future(front.http.post("/v1/messages", data=json.dumps({**ASK, "stream": stream})))
        await asyncio.wait_for(front.up.asked.wait(), LEAVING)
        if "hang_in_the_middle" in behaviour.__name__:
            reply = await asking
            await reply.content.readany()
            reply.close()
        asking.cancel()
        async with asyncio.timeout(LEAVING):
            await front.up.seen[0].gone.wait()


async def test_an_sdk_stream_that_is_closed_cancels_the_provider(tmp_path):
    async with over_claude(tmp_path, claude.hang_in_the_middle) as front:
        async with front.sdk.messages.stream(**ASK) as stream:
            async for event in stream:
                if event.type == "text":
                    break
        async with asyncio.timeout(LEAVING):
            await front.up.seen[0].gone.wait()
