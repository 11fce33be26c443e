"""Texts that a provider sends together count, go out and are remembered as if each had come by itself."""

from typing import Any

import pytest

from airegistry.invocations.invocation import AttemptOutcome
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.route import RoutePolicy
from tests import catalogs, providers
from tests.catalogs import asked, chat
from tests.engines import engine_over, streamed, text_of
from tests.providers import chunk, event_bytes

GOES_ON = Communication(dialect="openai.chat", auth=Auth(AuthMethod.NONE), continues_prefix=True)
CONTINUING: dict[str, Any] = {"communication": GOES_ON, "prices": catalogs.PRICES}
WORDS = [f"w{number} " for number in range(20)]


def burst(*words, cut=False):
    """Stream all words at once, and then end, or cut the connection."""

    async def behave(peer):
        await providers.stream_head(peer)
        await peer.send(b"".join(event_bytes(chunk({"content": word})) for word in words))
        if not cut:
            await providers.finish(peer)

    return behave


def events_in(events):
    return [event.chat_delta.text for event in events if event.chat_delta and event.chat_delta.text]


async def test_every_text_is_an_event_of_its_own():
    async with engine_over(burst(*WORDS)) as scene:
        events, failed = await streamed(scene.engine, chat())
    assert failed is None
    assert events_in(events) == WORDS
    assert events[0].started is not None
    assert events[-1].end is not None


async def test_every_text_counts_as_a_token_where_nobody_told_the_usage():
    async with engine_over(burst(*WORDS, cut=True)) as scene:
        events, failed = await streamed(scene.engine, chat())
    assert events_in(events) == WORDS
    (attempt,) = failed.attempts
    assert attempt.usage.estimated
    assert attempt.usage.output_tokens == len(WORDS)


async def test_the_length_of_the_texts_counts_where_they_are_more_than_a_token_each():
    async with engine_over(burst(*["x" * 400] * 20, cut=True)) as scene:
        _, failed = await streamed(scene.engine, chat())
    assert failed.attempts[0].usage.output_tokens > 20 * 50


@pytest.mark.parametrize(
    ("words", "answered"),
    [pytest.param(9, "b", id="fewer-than-are-held-back"), pytest.param(11, "a", id="more")],
)
async def test_so_many_are_held_back_however_they_come(words, answered):
    policy = RoutePolicy(hold_back_tokens=10)
    async with engine_over(burst(*WORDS[:words], cut=True), burst(*WORDS)) as scene:
        events, failed = await streamed(scene.engine, chat(policy=policy))
    assert events[0].started.target == f"models/m/endpoints/{answered}"
    assert (failed is None) == (answered == "b")


async def test_another_target_goes_on_where_they_end():
    begun, seam = [*WORDS, "\n", "\n", "\n"], [" ", "\n", "\n", "\n"]
    async with engine_over(burst(*begun, cut=True), burst(*seam, *WORDS), **CONTINUING) as scene:
        events, failed = await streamed(scene.engine, chat(chat=asked(max_output_tokens=100)))
        sent = scene.providers[1].seen[0].body
    assert failed is None
    assert text_of(events) == "".join(begun + WORDS)
    assert sent["messages"][1]["content"] == "".join(WORDS).rstrip()
    assert 100 - len(begun) in sent.values(), "each text is a token that is spent"
    assert [attempt.outcome for attempt in events[-1].end.settlement.attempts] == [
        AttemptOutcome.ERROR,
        AttemptOutcome.OK,
    ]
