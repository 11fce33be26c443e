"""A cut answer that another target goes on with: the caller gets one unbroken text, or learns that it is none."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest

from airegistry import errors
from airegistry.invocations.chat import ResponseFormat, Tool
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.invocations.usage import CostState
from airegistry.invoke.origin import Origin
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.route import ErrorClass, RoutePolicy
from tests import catalogs, providers
from tests.catalogs import asked, chat
from tests.engines import engine_over, streamed, text_of
from tests.providers import USAGE, chunk, status

GOES_ON = Communication(dialect="openai.chat", auth=Auth(AuthMethod.NONE), continues_prefix=True)
CONTINUING: dict[str, Any] = {"communication": GOES_ON, "prices": catalogs.PRICES}
QUICK = RoutePolicy(idle_timeout=0.2)
OK, ERROR, CANCELED, SUPERSEDED = AttemptOutcome
AT_ONCE = 10.0
"""Seconds on a machine that has much else to do; nothing else would end such a connection that soon."""


def saying(*texts, cut=False):
    """Stream some texts, and then end, or cut the connection."""

    async def behave(peer):
        await providers.stream_head(peer)
        for text in texts:
            await peer.event(chunk({"content": text}))
        if not cut:
            await providers.finish(peer)

    return behave


CUT = saying("One", " two ", cut=True)


def outcomes(attempts):
    return [(attempt.target[-1], attempt.outcome) for attempt in attempts]


@pytest.mark.parametrize(
    ("broken", "rest"),
    [
        pytest.param(CUT, ("three", " four"), id="cut"),
        pytest.param(providers.hang_in_the_middle, (" three", " four"), id="silence"),
    ],
)
async def test_the_caller_sees_one_unbroken_answer(broken, rest):
    async with engine_over(broken, saying(*rest), **CONTINUING) as scene:
        events, failed = await streamed(scene.engine, chat(policy=QUICK))
    assert failed is None
    assert text_of(events) == "One two three four"
    assert [event.started.target[-1] for event in events if event.started] == ["a"]
    assert not any(event.restarted for event in events)
    account = events[-1].end.settlement
    assert outcomes(account.attempts) == [("a", ERROR), ("b", OK)]
    assert account.target.endswith("/b")


@pytest.mark.parametrize(
    ("rest", "text"),
    [
        pytest.param(("three",), "One two three", id="none"),
        pytest.param((" three",), "One two three", id="once-more"),
        pytest.param((" ", "three"), "One two three", id="by-itself"),
        pytest.param(("  three",), "One two  three", id="more"),
    ],
)
async def test_the_white_space_at_the_seam_is_neither_lost_nor_doubled(rest, text):
    async with engine_over(CUT, saying(*rest), **CONTINUING) as scene:
        events, _ = await streamed(scene.engine, chat())
    assert text_of(events) == text


async def test_the_next_one_is_given_what_was_said_as_the_last_turn():
    async with engine_over(CUT, saying("three"), **CONTINUING) as scene:
        await streamed(scene.engine, chat(chat=asked(max_output_tokens=10)))
        sent = scene.providers[1].seen[0].body
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant"]
    assert sent["messages"][1]["content"] == "One two"
    assert 8 in sent.values(), "two tokens of ten are spent"


async def test_both_attempts_are_paid_for_and_the_guess_says_so():
    async with engine_over(CUT, saying("three", " four"), **CONTINUING) as scene:
        events, _ = await streamed(scene.engine, chat())
    account = events[-1].end.settlement
    cut, whole = account.attempts
    assert cut.usage.estimated
    assert cut.usage.output_tokens == 2
    assert cut.cost.state is CostState.PARTIAL
    assert whole.cost.state is CostState.KNOWN
    assert whole.usage.output_tokens == USAGE["completion_tokens"]
    assert account.usage.output_tokens == 2 + whole.usage.output_tokens
    assert account.usage.input_tokens == cut.usage.input_tokens + whole.usage.input_tokens
    assert account.usage.estimated
    assert account.cost.state is CostState.PARTIAL
    assert account.cost.nanos == cut.cost.nanos + whole.cost.nanos


async def test_the_first_token_is_that_of_who_began():
    async with engine_over(providers.hang_in_the_middle, saying(" three"), **CONTINUING) as scene:
        events, _ = await streamed(scene.engine, chat(policy=QUICK))
    account = events[-1].end.settlement
    assert account.time_to_first_token < account.attempts[0].duration


async def test_an_answer_may_be_cut_more_than_once():
    async with engine_over(CUT, saying("three ", cut=True), saying("four"), **CONTINUING) as scene:
        events, failed = await streamed(scene.engine, chat())
        assert failed is None
        assert text_of(events) == "One two three four"
        assert scene.providers[2].seen[0].body["messages"][1]["content"] == "One two three"
    assert outcomes(events[-1].end.settlement.attempts) == [("a", ERROR), ("b", ERROR), ("c", OK)]


async def test_one_that_fails_before_its_first_token_is_passed_by():
    async with engine_over(CUT, status(503), saying("three"), **CONTINUING) as scene:
        events, failed = await streamed(scene.engine, chat())
    assert failed is None
    assert text_of(events) == "One two three"


async def test_who_refuses_a_beginning_ends_the_stream_with_the_error_that_cut_it():
    async with engine_over(CUT, status(400, message="prefill is not supported"), **CONTINUING) as scene:
        events, failed = await streamed(scene.engine, chat())
    assert isinstance(failed, errors.TruncatedAnswerError)
    assert text_of(events) == "One two "
    assert all(event.end is None for event in events)
    assert [attempt.error_class for attempt in failed.attempts] == [
        ErrorClass.MALFORMED_ANSWER,
        ErrorClass.INVALID_REQUEST,
    ]


async def test_who_refuses_a_beginning_may_start_anew_for_a_caller_that_accepts_it():
    refuses_once = (status(400, message="prefill is not supported"), saying("Anew"))
    async with engine_over(CUT, refuses_once, **CONTINUING) as scene:
        events, failed = await streamed(scene.engine, chat(), accept_restart=True)
    assert failed is None
    (restart,) = [i for i, event in enumerate(events) if event.restarted is not None]
    assert events[restart].restarted.reason.reason == "TRUNCATED_ANSWER"
    assert text_of(events[restart:]) == "Anew"
    assert events[restart + 1].started.target.endswith("/b")
    account = events[-1].end.settlement
    assert outcomes(account.attempts) == [("a", ERROR), ("b", ERROR), ("b", OK)]
    assert account.usage == account.attempts[2].usage


async def test_only_who_declares_it_is_given_a_beginning():
    async with engine_over(CUT, saying("three")) as scene:
        _, failed = await streamed(scene.engine, chat())
        assert isinstance(failed, errors.TruncatedAnswerError)
        assert scene.seen() == [1, 0]


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(asked(tools=(Tool(name="act"),)), id="tools"),
        pytest.param(asked(choice_count=2), id="several"),
        pytest.param(asked(response_format=ResponseFormat()), id="in-a-form"),
        pytest.param(asked(top_logprobs=1), id="logprobs"),
    ],
)
async def test_what_is_no_plain_text_is_not_gone_on_with(request_):
    async with engine_over(CUT, saying("three"), **CONTINUING) as scene:
        assert not any(candidate.continues for candidate in scene.engine.explain(chat(chat=request_)).candidates)
        _, failed = await streamed(scene.engine, chat(chat=request_))
    assert isinstance(failed, errors.TruncatedAnswerError)
    assert scene.seen() == [1, 0]


async def test_thoughts_are_not_gone_on_with():
    async def thinking(peer):
        await providers.stream_head(peer)
        await peer.event(chunk({"reasoning_content": "Hm."}))
        await peer.event(chunk({"content": "One"}))

    async with engine_over(thinking, saying("two"), **CONTINUING) as scene:
        _, failed = await streamed(scene.engine, chat())
    assert isinstance(failed, errors.TruncatedAnswerError)
    assert scene.seen() == [1, 0]


async def test_thoughts_of_who_goes_on_stay_out_of_the_text():
    async def thinking(peer):
        await providers.stream_head(peer)
        await peer.event(chunk({"reasoning_content": "Where was I?"}))
        await peer.event(chunk({"content": "three"}))
        await providers.finish(peer)

    async with engine_over(CUT, thinking, **CONTINUING) as scene:
        events, failed = await streamed(scene.engine, chat())
    assert failed is None
    assert text_of(events) == "One two three"
    assert {event.chat_delta.block_index for event in events if event.chat_delta and event.chat_delta.text} == {0}
    assert not any(event.chat_delta.thinking for event in events if event.chat_delta)


async def test_a_caller_of_the_same_format_gets_one_unbroken_answer_too():
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Say something"}], "unknown": 1}).encode()
    async with engine_over(CUT, saying("three"), **CONTINUING) as scene:
        events, failed = await streamed(scene.engine, chat(), origin=Origin("openai.chat", body))
        first, second = (up.seen[0].body for up in scene.providers)
    assert failed is None
    assert text_of(events) == "One two three"
    assert first["unknown"] == 1
    assert second["messages"][-1]["content"] == "One two"


async def test_a_content_refusal_in_the_middle_is_not_gone_on_with():
    async def refused(peer):
        await providers.stream_head(peer)
        await peer.event(chunk({"content": "One"}))
        await asyncio.sleep(0.02)
        await peer.event({"error": {"message": "flagged", "type": "invalid_request_error", "code": "content_filter"}})

    async with engine_over(refused, saying("two"), **CONTINUING) as scene:
        _, failed = await streamed(scene.engine, chat())
    assert isinstance(failed, errors.ContentRefusedError)
    assert scene.seen() == [1, 0]


async def test_a_caller_that_goes_away_cancels_who_goes_on():
    async with engine_over(CUT, providers.hang_in_the_middle, **CONTINUING) as scene:
        async with aclosing(scene.engine.stream(chat())) as batches:
            async for _ in batches:
                if scene.providers[1].seen:
                    break
        async with asyncio.timeout(AT_ONCE):
            await scene.providers[1].seen[0].gone.wait()


async def test_attempts_are_bounded_in_what_goes_on_too():
    policy = RoutePolicy(max_attempts=2)
    async with engine_over(CUT, saying("three ", cut=True), saying("four"), **CONTINUING) as scene:
        _, failed = await streamed(scene.engine, chat(policy=policy))
    assert isinstance(failed, errors.TruncatedAnswerError)
    assert len(failed.attempts) == 2
