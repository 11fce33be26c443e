"""When a retry may help, in every form that providers use."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.errors import error_of
from airegistry.dialects.retry_after import retry_after, retry_delay, wait_in_words

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
EPOCH = NOW.timestamp()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "1m30s"}, 90),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "999999999999999"}, 30 * 86400),
        ({"x-ratelimit-reset-requests": "1m30s"}, 90),
        ({"x-ratelimit-reset-tokens": "6ms"}, 0.006),
        ({"x-ratelimit-reset-requests": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset": str(int(EPOCH) + 60)}, 60),
        ({"x-ratelimit-reset": str((int(EPOCH) + 60) * 1000)}, 60),
        ({"anthropic-ratelimit-tokens-reset": "2026-03-01T12:00:45Z"}, 45),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "5s"}, 5),
        (
            {
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "50s",
                "x-ratelimit-remaining-tokens": "9000",
            },
            1,
        ),
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": ""}, None),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_every_form_is_read(headers, seconds):
    assert retry_after(headers, NOW) == (None if seconds is None else pytest.approx(seconds))


def test_a_date_is_measured_by_the_providers_own_clock():
    headers = {"date": "Sun, 01 Mar 2026 09:00:00 GMT", "retry-after": "Sun, 01 Mar 2026 09:00:10 GMT"}
    assert retry_after(headers, NOW) == 10
    assert retry_after(headers) == 10


def test_a_date_without_any_clock_says_nothing():
    assert retry_after({"retry-after": "Sun, 01 Mar 2026 09:00:10 GMT"}) is None


@given(st.text(max_size=40))
def test_nonsense_never_raises_and_never_asks_to_wait_less_than_nothing(value):
    wait = retry_after({"retry-after": value, "x-ratelimit-reset-tokens": value, "date": value}, NOW)
    assert wait is None or 0 <= wait <= 30 * 86400


RESET = {"x-ratelimit-reset-tokens": "90s", "x-ratelimit-reset-requests": "1s"}


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        pytest.param(429, RESET, 90, id="limited"),
        pytest.param(400, RESET, None, id="refused"),
        pytest.param(500, RESET, None, id="failed"),
        pytest.param(500, {"retry-after": "7"}, 7, id="failed-but-said-so"),
    ],
)
def test_the_state_of_limits_counts_only_where_one_was_reached(status, headers, seconds):
    """OpenAI sends it with every answer, refusals of a bad request among them."""
    assert error_of(status, headers, b"{}").retry_after == seconds


RETRY_INFO = """
{"error": {"code": 429, "message": "You exceeded your current quota.", "status": "RESOURCE_EXHAUSTED", "details": [
  {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaMetric": "x"}]},
  {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.074824224s"}]}}
"""


@pytest.mark.parametrize(
    ("status", "body", "seconds"),
    [
        pytest.param(429, RETRY_INFO, 34.074824224, id="retry-info"),
        pytest.param(429, f"[{RETRY_INFO}]", 34.074824224, id="retry-info-in-a-list"),
        pytest.param(
            429, '{"error": {"message": "Rate limit reached. Please try again in 1m26.4s."}}', 86.4, id="words"
        ),
        pytest.param(429, '{"error": {"message": "Please try again in 480ms. Visit …"}}', 0.48, id="milliseconds"),
        pytest.param(429, '{"error": {"message": "Please retry after 26 seconds."}}', 26, id="azure"),
        pytest.param(503, '{"error": {"message": "Overloaded, retry after 2 seconds"}}', 2, id="overloaded"),
        pytest.param(400, '{"error": {"message": "Please try again in 20s."}}', None, id="refused"),
        pytest.param(429, '{"error": {"message": "Try again later."}}', None, id="no-time"),
        pytest.param(429, '{"error": {"details": [{"retryDelay": 5}, 7, {"retryDelay": "x"}]}}', None, id="nonsense"),
    ],
)
def test_a_body_names_a_time_where_no_header_does(status, body, seconds):
    assert error_of(status, {}, body.encode()).retry_after == (None if seconds is None else pytest.approx(seconds))
    assert error_of(429, {"retry-after": "3"}, body.encode()).retry_after == 3


@given(st.text() | st.lists(st.dictionaries(st.text(), st.text() | st.integers())))
def test_no_body_breaks_the_reading(value):
    for wait in (retry_delay(value), wait_in_words(f"try again in {value}")):
        assert wait is None or 0 <= wait <= 30 * 86400
