"""What a status and its body mean, in the bodies that compatible servers send."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.openai.chat import OpenAIChat
from airegistry.dialects.redaction import presentable
from airegistry.errors import (
    ContentRefusedError,
    ContextLengthError,
    ProviderCredentialError,
    ProviderError,
    ProviderFailedError,
    ProviderModelNotFoundError,
    ProviderOverloadedError,
    ProviderRateLimitedError,
    ProviderRejectedError,
    ProviderTimeoutError,
)


def error(status, body=b"", headers=None):
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return OpenAIChat().error(status, headers or {}, data)


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, ProviderRejectedError),
        (401, ProviderCredentialError),
        (402, ProviderRateLimitedError),
        (403, ProviderCredentialError),
        (404, ProviderModelNotFoundError),
        (408, ProviderTimeoutError),
        (409, ProviderRejectedError),
        (413, ProviderRejectedError),
        (422, ProviderRejectedError),
        (429, ProviderRateLimitedError),
        (500, ProviderFailedError),
        (502, ProviderFailedError),
        (503, ProviderOverloadedError),
        (504, ProviderTimeoutError),
        (529, ProviderOverloadedError),
        (302, ProviderFailedError),
    ],
)
def test_a_bare_status_has_its_class(status, cls):
    found = error(status)
    assert type(found) is cls
    assert found.http_status == status


@pytest.mark.parametrize(
    ("status", "body", "cls"),
    [
        (400, {"error": {"code": "context_length_exceeded", "message": "x"}}, ContextLengthError),
        (
            400,
            {"error": {"message": "This model's maximum context length is 8192 tokens. However, you…"}},
            ContextLengthError,
        ),
        (
            400,
            {"error": {"message": "the request exceeds the available context size, try increasing it"}},
            ContextLengthError,
        ),
        (400, {"object": "error", "message": "maximum context length is 4096", "code": 400}, ContextLengthError),
        (413, {"error": {"message": "Please reduce the length of the messages"}}, ContextLengthError),
        (422, {"error": "Input validation error: `inputs` tokens: prompt is too long"}, ContextLengthError),
        (500, {"error": {"message": "context window exceeded"}}, ContextLengthError),
        (500, {"error": {"message": "input (900 tokens) is too large to process."}}, ContextLengthError),
        (
            500,
            {"error": {"code": 500, "message": "image input is not supported - hint: …", "type": "server_error"}},
            ProviderRejectedError,
        ),
        (
            400,
            {"error": {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
            ContentRefusedError,
        ),
        (400, {"error": {"message": "Your request was rejected by our safety system"}}, ContentRefusedError),
        (400, {"error": {"code": "invalid_api_key"}}, ProviderCredentialError),
        (
            400,
            {"error": {"message": "The model `gpt-9` does not exist", "type": "invalid_request_error"}},
            ProviderModelNotFoundError,
        ),
        (429, {"error": {"code": "insufficient_quota", "type": "insufficient_quota"}}, ProviderRateLimitedError),
        (429, {"error": {"type": "tokens", "code": "rate_limit_exceeded"}}, ProviderRateLimitedError),
        (429, {"error": {"message": "content filter busy"}}, ProviderRateLimitedError),
        (500, {"error": {"type": "overloaded_error"}}, ProviderOverloadedError),
        (503, {"error": {"type": "server_error", "message": "The engine is overloaded"}}, ProviderOverloadedError),
        (504, {"error": {"type": "server_error"}}, ProviderTimeoutError),
        (400, {"error": {"type": "server_error"}}, ProviderFailedError),
        (400, {"error": {"type": "invalid_request_error", "message": "bad seed"}}, ProviderRejectedError),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, ProviderRejectedError),
        (
            400,
            [{"error": {"code": 400, "message": "API key not valid", "status": "INVALID_ARGUMENT"}}],
            ProviderRejectedError,
        ),
    ],
    ids=lambda value: str(value)[:60] if not isinstance(value, type) else "",
)
def test_the_body_is_more_exact_than_the_status(status, body, cls):
    assert type(error(status, body)) is cls


def test_an_exhausted_quota_is_told_from_a_rate_limit():
    assert error(429, {"error": {"code": "insufficient_quota"}}).metadata["quota"] == "exhausted"
    assert "quota" not in error(429, {"error": {"code": "rate_limit_exceeded"}}).metadata


def test_the_wait_comes_from_the_headers():
    assert error(429, b"{}", {"retry-after": "7"}).retry_after == 7
    assert error(429).retry_after is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><head><title>502 Bad Gateway</title></head>", "an HTML page: 502 Bad Gateway"),
        (b"<html><body>oops</body></html>", "an HTML page"),
        (b"upstream connect error", "upstream connect error"),
        (b"", "no explanation"),
        (b"\xff\xfe\x00", "\N{REPLACEMENT CHARACTER}"),
        (b'{"detail": "nope"}', "nope"),
        (b'"just text"', "just text"),
        (b"17", "no explanation"),
    ],
)
def test_any_body_gives_a_message(body, words):
    assert words in error(502, body).message


@given(st.integers(100, 599), st.binary(max_size=60) | st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["error", "message", "code", "type", "status", "innererror", "detail"]), inner),
    max_leaves=8,
).map(orjson.dumps))  # fmt: skip
def test_no_body_breaks_the_mapping(status, body):
    found = error(status, body)
    assert isinstance(found, ProviderError)
    assert len(found.message) <= 300


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcDEF0123456789",
        "sk-ant-api03-AbC_dEf-123456",
        "hf_abcdefghij0123456789",
        "gsk_0123456789abcdefgh",
        "AIzaSyA-1234567890abcdef",
        "sk-abc***************xyz",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_123",
    ],
)
def test_what_looks_like_a_key_is_not_shown(secret):
    assert secret not in error(401, {"error": {"message": f"Incorrect API key provided: {secret}. See docs."}}).message


@pytest.mark.parametrize(
    "words",
    [
        "Bearer s3cr3tvalue",
        "authorization: s3cr3tvalue",
        "api_key=s3cr3tvalue",
        '{"x-api-key": "s3cr3tvalue"}',
        "password: s3cr3tvalue",
    ],
)
def test_what_is_announced_as_a_secret_is_not_shown(words):
    assert "s3cr3tvalue" not in presentable(f"refused {words}, sorry")


def test_prose_is_left_alone():
    words = "The key-encapsulation of model gpt-4o-2024-08-06 in eu-west-1 took 12345678 ms"
    assert presentable(words) == words


def test_long_words_are_cut_and_lines_joined():
    shown = presentable("a\n\nb " + "x" * 1000)
    assert shown.startswith("a b xxx")
    assert len(shown) == 300
    assert shown.endswith("…")


def test_the_code_and_type_are_metadata():
    assert error(400, {"error": {"code": "bad_thing", "type": "t", "message": "m"}}).metadata == {
        "code": "bad_thing",
        "type": "t",
    }


@pytest.mark.parametrize(
    ("type_", "status", "cls"),
    [
        ("billing_error", 402, ProviderRateLimitedError),
        ("not_found_error", 404, ProviderModelNotFoundError),
        ("timeout_error", 504, ProviderTimeoutError),
        ("api_error", 500, ProviderFailedError),
        ("overloaded_error", 529, ProviderOverloadedError),
    ],
)
def test_words_of_other_formats_count_whatever_the_status(type_, status, cls):
    assert type(error(status, {"error": {"type": type_, "message": "x"}})) is cls
    assert type(error(400, {"error": {"type": type_, "message": "x"}})) is cls
