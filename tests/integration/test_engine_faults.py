"""The engine against real HTTP providers that misbehave: each fault has its own error, and a way around it."""

from contextlib import aclosing

import pytest

from airegistry import errors
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.invoke import EngineSettings, open_engine
from airegistry.resources.route import ErrorClass, RoutePolicy
from airegistry.routing.gates.breaker import BreakerSettings
from tests import catalogs, providers
from tests.catalogs import cache_of, chat, served
from tests.engines import engine_over, streamed, text_of, whole_text
from tests.providers import TOKENS, provider, status

# Those who answer, in the same tests, have so long for it, too.
QUICK = RoutePolicy(first_token_timeout=0.8, idle_timeout=0.8)
REFUSED = "http://127.0.0.1:1/v1"


FAULTS = [
    pytest.param(status(500), errors.ProviderFailedError, ErrorClass.PROVIDER, 2, id="500"),
    pytest.param(status(503), errors.ProviderOverloadedError, ErrorClass.OVERLOADED, 1, id="503"),
    pytest.param(status(429), errors.ProviderRateLimitedError, ErrorClass.RATE_LIMITED, 1, id="429"),
    pytest.param(status(401), errors.ProviderCredentialError, ErrorClass.CREDENTIAL, 1, id="401"),
    pytest.param(status(404), errors.ProviderModelNotFoundError, ErrorClass.MODEL_NOT_FOUND, 1, id="404"),
    pytest.param(providers.reset_before_headers, errors.ProviderConnectionError, ErrorClass.CONNECTION, 2, id="reset"),
    pytest.param(providers.hang_before_headers, errors.ProviderTimeoutError, ErrorClass.TIMEOUT, 1, id="no-headers"),
    pytest.param(providers.html, errors.MalformedAnswerError, ErrorClass.MALFORMED_ANSWER, 1, id="html"),
]
STREAM_FAULTS = [
    *FAULTS,
    pytest.param(providers.hang_before_first_token, errors.ProviderTimeoutError, ErrorClass.TIMEOUT, 1, id="no-token"),
    pytest.param(providers.slow_first_token(60), errors.ProviderTimeoutError, ErrorClass.TIMEOUT, 1, id="late-token"),
    pytest.param(
        providers.truncated_before_first_token,
        errors.TruncatedAnswerError,
        ErrorClass.MALFORMED_ANSWER,
        1,
        id="cut-before-token",
    ),
]
WHOLE_FAULTS = [
    *FAULTS,
    pytest.param(providers.truncated, errors.ProviderConnectionError, ErrorClass.CONNECTION, 2, id="cut"),
]


@pytest.mark.parametrize(("behaviour", "error", "error_class", "attempts"), WHOLE_FAULTS)
async def test_a_fault_has_its_own_error_with_the_attempts(behaviour, error, error_class, attempts):
    async with engine_over(behaviour) as scene:
        with pytest.raises(error) as failed:
            await scene.engine.invoke(chat(policy=QUICK))
    assert type(failed.value) is error
    assert [attempt.error_class for attempt in failed.value.attempts] == [error_class] * attempts
    assert {attempt.outcome for attempt in failed.value.attempts} == {AttemptOutcome.ERROR}
    assert all(attempt.error.reason == error.reason for attempt in failed.value.attempts)


@pytest.mark.parametrize(("behaviour", "error", "error_class", "attempts"), STREAM_FAULTS)
async def test_a_fault_before_the_first_token_ends_a_stream_before_it_begins(behaviour, error, error_class, attempts):
    async with engine_over(behaviour) as scene:
        events, failed = await streamed(scene.engine, chat(policy=QUICK))
    assert events == []
    assert type(failed) is error
    assert [attempt.error_class for attempt in failed.attempts] == [error_class] * attempts


@pytest.mark.parametrize(("behaviour", "error", "error_class", "attempts"), WHOLE_FAULTS)
async def test_the_next_endpoint_answers_instead(behaviour, error, error_class, attempts):
    async with engine_over(behaviour, providers.ok) as scene:
        text, account = await whole_text(scene.engine, chat(policy=QUICK))
    assert text == "".join(TOKENS)
    assert account.target == "models/m/endpoints/b"
    assert [attempt.error_class for attempt in account.attempts] == [error_class] * attempts + [None]


@pytest.mark.parametrize(("behaviour", "error", "error_class", "attempts"), STREAM_FAULTS)
async def test_the_next_endpoint_streams_instead(behaviour, error, error_class, attempts):
    async with engine_over(behaviour, providers.ok) as scene:
        events, failed = await streamed(scene.engine, chat(policy=QUICK))
    assert failed is None
    assert text_of(events) == "".join(TOKENS)
    assert events[0].started.target == "models/m/endpoints/b"
    assert events[0].started.attempt == attempts + 1
    assert len(events[-1].end.settlement.attempts) == attempts + 1


async def test_nobody_listening_is_not_tried_twice():
    async with provider(providers.ok) as good, open_engine(cache_of(served(REFUSED, good.url))) as engine:
        _, account = await whole_text(engine, chat())
    assert [attempt.error_class for attempt in account.attempts] == [ErrorClass.CONNECTION, None]


async def test_a_500_is_tried_once_more_at_the_same_endpoint():
    async with engine_over((status(500), providers.ok)) as scene:
        text, account = await whole_text(scene.engine, chat())
    assert text == "".join(TOKENS)
    assert [attempt.http_status for attempt in account.attempts] == [500, 200]


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        pytest.param(status(400), errors.ProviderRejectedError, id="bad-request"),
        pytest.param(status(400, code="content_filter"), errors.ContentRefusedError, id="content-filter"),
    ],
)
async def test_what_a_provider_refused_is_not_sent_to_another(behaviour, error):
    async with engine_over(behaviour, providers.ok) as scene:
        with pytest.raises(error) as failed:
            await scene.engine.invoke(chat())
    assert type(failed.value) is error
    assert len(failed.value.attempts) == 1
    assert scene.seen()[1] == 0


async def test_a_refusal_of_content_moves_on_where_the_policy_says_so():
    async with engine_over(status(400, code="content_filter"), providers.ok) as scene:
        text, _ = await whole_text(scene.engine, chat(policy=RoutePolicy(reroute_refusals=True)))
    assert text == "".join(TOKENS)


async def test_what_does_not_fit_goes_only_where_more_fits():
    too_long = status(400, code="context_length_exceeded")
    async with provider(too_long) as small, provider(providers.ok) as same, provider(providers.ok) as large:
        resources = [
            catalogs.model(),
            catalogs.endpoint("a", small.url, limits=catalogs.context(1_000)),
            catalogs.endpoint("b", same.url, limits=catalogs.context(1_000), priority=1),
            catalogs.endpoint("c", large.url, limits=catalogs.context(9_000), priority=2),
        ]
        async with open_engine(cache_of(resources)) as engine:
            _, account = await whole_text(engine, chat())
    assert account.target == "models/m/endpoints/c"
    assert same.seen == []


@pytest.mark.parametrize(
    ("behaviour", "error", "text"),
    [
        pytest.param(providers.truncated, errors.TruncatedAnswerError, "One two", id="cut"),
        pytest.param(providers.error_inside, errors.ProviderFailedError, "One", id="error-inside"),
        pytest.param(providers.hang_in_the_middle, errors.ProviderTimeoutError, "One two", id="silence"),
    ],
)
async def test_a_stream_that_breaks_never_ends_well(behaviour, error, text):
    async with engine_over(behaviour, providers.ok) as scene:
        events, failed = await streamed(scene.engine, chat(policy=QUICK))
    assert text_of(events) == text
    assert all(event.end is None for event in events)
    assert type(failed) is error
    assert len(failed.attempts) == 1
    assert failed.attempts[0].time_to_first_token is not None
    assert scene.seen()[1] == 0


async def test_a_caller_that_understands_it_is_told_to_start_again():
    async with engine_over(providers.truncated, providers.ok) as scene:
        events, failed = await streamed(scene.engine, chat(), accept_restart=True)
    assert failed is None
    (restart,) = [i for i, event in enumerate(events) if event.restarted is not None]
    assert events[restart].restarted.reason.reason == "TRUNCATED_ANSWER"
    assert events[restart + 1].started.target == "models/m/endpoints/b"
    assert text_of(events[restart:]) == "".join(TOKENS)
    assert events[-1].end is not None


async def test_a_restart_that_nobody_can_serve_is_the_error_that_broke_the_stream():
    async with engine_over(providers.truncated) as scene:
        events, failed = await streamed(scene.engine, chat(), accept_restart=True)
    assert isinstance(failed, errors.TruncatedAnswerError)
    assert all(event.restarted is None for event in events)


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(RoutePolicy(hold_back_tokens=3), id="tokens"),
        pytest.param(RoutePolicy(hold_back_duration=5.0), id="duration"),
    ],
)
async def test_an_early_break_stays_invisible_while_tokens_are_held_back(policy):
    async with engine_over(providers.truncated, providers.ok) as scene:
        events, failed = await streamed(scene.engine, chat(policy=policy))
    assert failed is None
    assert text_of(events) == "".join(TOKENS)
    assert events[0].started.target == "models/m/endpoints/b"


async def test_tokens_are_held_back_no_longer_than_they_may_be():
    policy = RoutePolicy(hold_back_duration=0.05)
    async with (
        engine_over(providers.hang_in_the_middle) as scene,
        aclosing(scene.engine.stream(chat(policy=policy))) as it,
    ):
        assert text_of(await anext(it)) == "One two"


async def test_a_provider_that_asks_for_time_gets_it():
    later = status(429, headers={"retry-after": "30"})
    async with engine_over((later, providers.ok), providers.ok) as scene:
        await scene.engine.invoke(chat())
        _, account = await whole_text(scene.engine, chat())
    assert [attempt.target for attempt in account.attempts] == ["models/m/endpoints/b"]
    assert scene.seen()[0] == 1


async def test_when_everybody_asks_for_time_the_caller_learns_how_much():
    later = status(429, headers={"retry-after": "30"})
    async with engine_over(later) as scene:
        with pytest.raises(errors.ProviderRateLimitedError) as limited:
            await scene.engine.invoke(chat())
        with pytest.raises(errors.NoCandidateError) as nobody:
            await scene.engine.invoke(chat())
    assert limited.value.retry_after == 30
    assert nobody.value.metadata == {"breaker": "1"}
    assert 20 < (nobody.value.retry_after or 0) <= 30


async def test_who_fails_too_often_is_left_alone():
    settings = EngineSettings(breaker=BreakerSettings(minimum_volume=3, open_for=60.0))
    async with engine_over(status(503), providers.ok, settings=settings) as scene:
        for _ in range(5):
            await scene.engine.invoke(chat())
    assert scene.seen()[0] == 3


async def test_a_callers_own_mistakes_open_no_breaker():
    settings = EngineSettings(breaker=BreakerSettings(minimum_volume=1))
    async with engine_over(status(400), settings=settings) as scene:
        for _ in range(5):
            with pytest.raises(errors.ProviderRejectedError):
                await scene.engine.invoke(chat())
    assert scene.seen()[0] == 5


async def test_a_callers_impatience_opens_no_breaker():
    """Nor does it shut a provider for everybody."""
    settings = EngineSettings(breaker=BreakerSettings(minimum_volume=1))
    async with engine_over(providers.hang_before_headers, settings=settings) as scene:
        for _ in range(3):
            with pytest.raises(errors.ProviderTimeoutError):
                await scene.engine.invoke(chat(policy=RoutePolicy(first_token_timeout=0.3)))
    assert scene.seen()[0] == 3


async def test_a_silence_that_is_too_long_for_everybody_opens_it():
    settings = EngineSettings(
        policy=RoutePolicy(first_token_timeout=0.3), breaker=BreakerSettings(minimum_volume=1, open_for=60.0)
    )
    async with engine_over(providers.hang_before_headers, settings=settings) as scene:
        for error in (errors.ProviderTimeoutError, errors.NoCandidateError):
            events, failed = await streamed(scene.engine, chat())
            assert (events, type(failed)) == ([], error)
    assert scene.seen()[0] == 1


async def test_attempts_are_bounded():
    async with provider(status(503)) as up, open_engine(cache_of(served(*[up.url] * 6))) as engine:
        with pytest.raises(errors.ProviderOverloadedError) as failed:
            await engine.invoke(chat(policy=RoutePolicy(max_attempts=4)))
    assert len(failed.value.attempts) == 4


async def test_the_callers_deadline_ends_every_attempt():
    async with engine_over(providers.hang_before_headers, providers.ok) as scene:
        with pytest.raises(errors.DeadlineExceededError, match="the caller's deadline") as late:
            await scene.engine.invoke(chat(), deadline=0.5)
    assert [attempt.error_class for attempt in late.value.attempts] == [ErrorClass.TIMEOUT]
    assert scene.seen()[1] == 0


async def test_the_total_timeout_ends_every_attempt():
    policy = RoutePolicy(total_timeout=0.1)
    async with engine_over(providers.hang_before_headers) as scene:
        with pytest.raises(errors.DeadlineExceededError, match=r"total timeout of 0\.1 s"):
            await scene.engine.invoke(chat(policy=policy))


async def test_no_error_shows_the_credential(tmp_path):
    secret = "sk-very-secret-0123456789"
    refused = status(401, message=f"Incorrect API key provided: {secret}")
    async with provider(refused) as up:
        there = catalogs.endpoint("a", up.url, communication=catalogs.WITH_KEY, credential="SOME_API_KEY")
        credentials = catalogs.credentials(SOME_API_KEY=secret)
        async with open_engine(cache_of([catalogs.model(), there]), credentials=credentials) as engine:
            with pytest.raises(errors.ProviderCredentialError) as failed:
                await engine.invoke(chat())
    assert up.seen[0].headers["authorization"] == f"Bearer {secret}"
    assert secret not in repr((failed.value, failed.value.metadata, failed.value.attempts))
    assert secret not in repr(credentials.get("SOME_API_KEY"))
