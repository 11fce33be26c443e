"""Hugging Face's router speaks OpenAI's format; its errors have shapes of their own."""

import orjson
import pytest

from airegistry.dialects.openai.chat import OpenAIChat
from airegistry.errors import (
    ContextLengthError,
    ProviderCredentialError,
    ProviderFailedError,
    ProviderModelNotFoundError,
    ProviderOverloadedError,
    ProviderRateLimitedError,
    ProviderRejectedError,
)

CREDITS = "You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more."
UNSUPPORTED = "The requested model 'x/y' is not supported by any provider you have enabled."
CASES = [
    (401, {"error": "Invalid username or password."}, ProviderCredentialError),
    (
        403,
        {"error": "This authentication method does not have sufficient permissions to call Inference Providers"},
        ProviderCredentialError,
    ),
    (402, {"error": CREDITS}, ProviderRateLimitedError),
    (402, {"error": {"message": CREDITS, "type": "insufficient_quota"}}, ProviderRateLimitedError),
    (
        400,
        {
            "error": {
                "message": UNSUPPORTED,
                "type": "invalid_request_error",
                "param": "model",
                "code": "model_not_supported",
            }
        },
        ProviderModelNotFoundError,
    ),
    (
        404,
        {"error": {"message": "The model `x/y` does not exist.", "code": "model_not_found"}},
        ProviderModelNotFoundError,
    ),
    (404, b"Not Found", ProviderModelNotFoundError),
    (422, {"error": "Input validation error: tool error: no tools", "error_type": "validation"}, ProviderRejectedError),
    (
        422,
        {
            "error": {
                "message": "Input validation error: `inputs` must have less than 8 tokens. Given: 9",
                "http_status_code": 422,
            }
        },
        ContextLengthError,
    ),
    (424, {"error": {"message": "Request failed during generation", "http_status_code": 424}}, ProviderFailedError),
    (429, {"error": "Too many requests. Please slow down."}, ProviderRateLimitedError),
    (503, {"error": "Model x/y is currently loading", "estimated_time": 20.5}, ProviderOverloadedError),
]


def error(status, body, headers=None):
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return OpenAIChat().error(status, headers or {}, data)


@pytest.mark.parametrize(("status", "body", "cls"), CASES)
def test_an_error_says_what_it_is(status, body, cls):
    assert type(error(status, body)) is cls


@pytest.mark.parametrize("body", [{"error": CREDITS}, {"error": {"message": CREDITS, "type": "insufficient_quota"}}])
def test_credits_that_are_spent_are_told_from_a_rate(body):
    assert error(402, body).metadata["quota"] == "exhausted"


@pytest.mark.parametrize(
    ("body", "headers", "wait"),
    [
        ({"error": "loading", "estimated_time": 20.5}, {}, 20.5),
        ({"error": "loading", "estimated_time": 20.5}, {"retry-after": "3"}, 3.0),
        ({"error": "loading", "estimated_time": "soon"}, {}, None),
        ({"error": "loading", "estimated_time": -1}, {}, None),
        ({"error": "loading", "estimated_time": 1e9}, {}, None),
    ],
    ids=["body", "header-first", "words", "negative", "for-ever"],
)
def test_a_model_that_loads_says_when_it_is_there(body, headers, wait):
    assert error(503, body, headers).retry_after == wait
