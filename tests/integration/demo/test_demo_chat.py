"""Conversations of the demo backend: a real server, driven by the official OpenAI SDK."""

import json

import pytest

from tests.demo_backends import ASK, texts_of

# One server for the whole file: it has to stay healthy whatever the tests before did to it.
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_completion_is_about_what_was_asked(sdk):
    answers = [
        (await sdk.chat.completions.create(**{**ASK, "seed": seed, "max_tokens": 80})).choices[0].message.content
        for seed in range(8)
    ]
    assert all(answers)
    on_topic = [text for text in answers if "dict" in text.lower() or "key" in text.lower()]
    assert len(on_topic) >= 5


async def test_a_stream_tells_role_text_end_and_usage_in_this_order(sdk):
    stream = await sdk.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    *deltas, end, usage = chunks
    assert deltas[0].choices[0].delta.role == "assistant"
    assert all(chunk.choices[0].finish_reason is None for chunk in deltas)
    assert len(deltas) == 1 + usage.usage.completion_tokens
    assert end.choices[0].finish_reason in {"stop", "length"}
    assert usage.choices == []
    assert usage.usage.total_tokens == usage.usage.prompt_tokens + usage.usage.completion_tokens
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1


async def test_a_stream_ends_with_done_and_says_nothing_of_usage_unasked(http):
    reply = await http.post("/v1/chat/completions", {**ASK, "stream": True})
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    *events, done, rest = reply.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    assert not any("usage" in json.loads(event.removeprefix("data: ")) for event in events)


async def test_the_same_seed_gives_the_same_text_streamed_or_not(sdk):
    first = await sdk.chat.completions.create(**ASK)
    again = await sdk.chat.completions.create(**ASK)
    streamed = await texts_of(await sdk.chat.completions.create(**ASK, stream=True))
    other = await sdk.chat.completions.create(**{**ASK, "seed": -(2**63)})
    assert first.choices[0].message.content == again.choices[0].message.content == streamed
    assert other.choices[0].message.content != streamed
    assert first.system_fingerprint == again.system_fingerprint


async def test_temperature_zero_needs_no_seed_to_repeat_itself(sdk):
    ask = {**ASK, "temperature": 0, "seed": None}
    texts = {(await sdk.chat.completions.create(**ask)).choices[0].message.content for _ in "abc"}
    assert len(texts) == 1


async def test_the_limit_of_tokens_ends_a_text_for_length_and_usage_counts_them(sdk):
    reply = await sdk.chat.completions.create(**{**ASK, "max_tokens": 3})
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage.completion_tokens == 3
    assert reply.usage.prompt_tokens == len(["Exp", "lain", " dictionaries"])


async def test_a_text_may_end_by_itself(sdk):
    ask = {**ASK, "max_tokens": None}
    replies = [await sdk.chat.completions.create(**{**ask, "seed": seed}) for seed in range(3)]
    assert {reply.choices[0].finish_reason for reply in replies} == {"stop"}


async def test_a_stop_sequence_ends_the_text_before_it_streamed_or_not(sdk):
    whole = (await sdk.chat.completions.create(**ASK)).choices[0].message.content
    stop = whole[10:17]
    cut = await sdk.chat.completions.create(**ASK, stop=[stop, "never seen"])
    streamed = await texts_of(await sdk.chat.completions.create(**ASK, stop=stop, stream=True))
    assert cut.choices[0].message.content == streamed == whole[: whole.index(stop)]
    assert cut.choices[0].finish_reason == "stop"


async def test_a_text_that_is_cut_for_length_keeps_what_might_have_become_a_stop(sdk):
    whole = (await sdk.chat.completions.create(**ASK)).choices[0]
    assert whole.finish_reason == "length"
    held = await sdk.chat.completions.create(**ASK, stop=whole.message.content[-1] + "never seen")
    assert held.choices[0].message.content == whole.message.content


async def test_every_integer_is_a_seed_of_its_own(sdk):
    seeds = (1, -1, 17, 2**63 - 1, -(2**63))
    replies = [await sdk.chat.completions.create(**{**ASK, "seed": seed}) for seed in seeds]
    assert len({reply.choices[0].message.content for reply in replies}) == len(seeds)


async def test_several_choices_differ_and_are_counted_together(sdk):
    reply = await sdk.chat.completions.create(**{**ASK, "n": 3, "max_tokens": 5})
    assert [choice.index for choice in reply.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in reply.choices}) == 3
    assert reply.usage.completion_tokens == 15


async def test_streamed_choices_are_those_of_the_unary_call(sdk):
    ask = {**ASK, "n": 2}
    whole = await sdk.chat.completions.create(**ask)
    texts = {0: "", 1: ""}
    async for chunk in await sdk.chat.completions.create(**ask, stream=True):
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts == {choice.index: choice.message.content for choice in whole.choices}


async def test_logprobs_belong_to_the_text_and_the_likeliest_comes_first(sdk):
    reply = await sdk.chat.completions.create(**{**ASK, "temperature": 0}, logprobs=True, top_logprobs=2)
    tokens = reply.choices[0].logprobs.content
    assert "".join(token.token for token in tokens) == reply.choices[0].message.content
    for token in tokens:
        assert token.top_logprobs[0].logprob >= token.top_logprobs[1].logprob
        assert token.logprob == token.top_logprobs[0].logprob <= 0


async def test_a_conversation_that_ends_with_the_assistant_is_continued(sdk):
    opening = {"role": "assistant", "content": "A dictionary display is a possibly empty"}
    messages = [*ASK["messages"], opening]
    reply = await sdk.chat.completions.create(**{**ASK, "messages": messages, "temperature": 0})
    assert reply.choices[0].message.content.startswith(" series of dict items")


async def test_text_parts_are_read_like_a_string(sdk):
    content = [{"type": "text", "text": "Explain "}, {"type": "text", "text": "dictionaries"}]
    parts = await sdk.chat.completions.create(**{**ASK, "messages": [{"role": "user", "content": content}]})
    whole = await sdk.chat.completions.create(**ASK)
    assert parts.choices[0].message.content == whole.choices[0].message.content
