"""What a caller wrote of the Responses API goes out as it was written, and what comes back is read once."""

import orjson
import pytest

from airegistry.dialects.openai_responses.dialect import OpenAIResponses
from airegistry.errors import ContentRefusedError, InvalidArgumentError, ProviderRateLimitedError, ProviderRejectedError
from airegistry.invocations.chat import ChatDelta, ChatRequest, FinishReason, Reasoning
from airegistry.invocations.streaming import WireSeen
from tests.responses_requests import ENDPOINT, HELLO

WIRE = b'{"input": "Hello", "model": "r", "odd": 1.10, "stream": false, "reasoning": {"effort": "low", "mode": "pro"}}'


def wire_of(request, wire=WIRE, *, stream=False):
    return OpenAIResponses().encode(request, ENDPOINT, stream=stream, wire=wire).call.body


def test_what_its_caller_wrote_goes_out_byte_for_byte():
    request = ChatRequest(messages=(HELLO,), reasoning=Reasoning(effort="low"))
    assert wire_of(request) == (
        b'{"input":"Hello","odd":1.10,"reasoning":{"effort": "low", "mode": "pro"},"model":"gpt-6"}'
    )
    assert wire_of(request, stream=True).endswith(b',"model":"gpt-6","stream":true}')


def test_what_a_route_changes_is_changed_in_the_callers_words():
    request = ChatRequest(messages=(HELLO,), max_output_tokens=5, temperature=0.5, reasoning=Reasoning(effort="high"))
    assert orjson.loads(wire_of(request)) == {
        "input": "Hello",
        "odd": 1.1,
        "model": "gpt-6",
        "max_output_tokens": 5,
        "temperature": 0.5,
        "reasoning": {"effort": "high", "mode": "pro"},
    }


@pytest.mark.parametrize("wire", [b"[]", b"{"])
def test_what_is_no_object_cannot_be_passed_on(wire):
    with pytest.raises(InvalidArgumentError):
        wire_of(ChatRequest(messages=(HELLO,), reasoning=Reasoning(effort="high")), wire)


def event(**value):
    return b"data: " + orjson.dumps(value) + b"\n\n"


def test_an_item_that_is_numbered_and_named_otherwise_in_the_end_does_not_come_twice():
    item = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    streamed = {"output_index": 3, "item": {**item, "id": "a"}}
    end = {"type": "response.completed", "response": {"output": [{**item, "id": "b"}]}}
    decoder = OpenAIResponses().decoder(ChatRequest())
    items = decoder.feed(event(type="response.output_item.done", **streamed) + event(**end)) + decoder.close()
    assert [one.text for one in items if isinstance(one, ChatDelta) and one.text] == ["Hi"]


def test_events_go_on_as_they_came_unless_they_lack_their_numbers():
    created = {"type": "response.created", "response": {"id": "r"}}
    delta = {"type": "response.output_text.delta", "output_index": 0, "delta": "Hi", "odd": 1}
    end = {"type": "response.completed", "response": {"id": "r", "output": []}}
    numbered = OpenAIResponses().decoder(ChatRequest(), relay=True)
    items = numbered.feed(event(**created, sequence_number=0) + event(**delta) + event(**end)) + numbered.close()
    told = [orjson.loads(item.data) for item in items if isinstance(item, WireSeen)]
    assert [one["type"] for one in told] == [created["type"], delta["type"], end["type"]]
    assert told[1]["odd"] == 1
    assert not any(isinstance(item, ChatDelta) for item in items)
    bare = OpenAIResponses().decoder(ChatRequest(), relay=True)
    items = bare.feed(event(**created) + event(**delta) + event(**end)) + bare.close()
    assert not any(isinstance(item, WireSeen) for item in items)
    assert [item.text for item in items if isinstance(item, ChatDelta) and item.text] == ["Hi"]
    assert [item.finish_reason for item in items if isinstance(item, ChatDelta)][-1] is FinishReason.STOP


def failed(code):
    error = {"code": code, "message": "no"}
    return orjson.dumps({"object": "response", "status": "failed", "output": [], "error": error})


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        ("rate_limit_exceeded", ProviderRateLimitedError),
        ("invalid_prompt", ContentRefusedError),
        ("image_content_policy_violation", ContentRefusedError),
        ("image_too_large", ProviderRejectedError),
        ("failed_to_download_image", ProviderRejectedError),
    ],
)
def test_a_failed_response_is_the_error_that_it_tells(code, cls):
    with pytest.raises(cls):
        OpenAIResponses().decode(ChatRequest(), 200, {}, failed(code))


def test_a_status_without_success_is_an_error():
    with pytest.raises(ProviderRateLimitedError):
        OpenAIResponses().decode(ChatRequest(), 429, {}, b"{}")
