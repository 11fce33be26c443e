"""What Google's errors mean."""

import json

import pytest

from airegistry import errors
from airegistry.dialects.gemini.generate_content import GeminiGenerateContent

KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}


def body(code, status, message="no", details=()):
    return json.dumps(
        {"error": {"code": code, "message": message, "status": status, "details": list(details)}}
    ).encode()


@pytest.mark.parametrize(
    ("code", "status", "message", "details", "expected"),
    [
        pytest.param(400, "INVALID_ARGUMENT", "bad", (), errors.ProviderRejectedError, id="bad-request"),
        pytest.param(
            400, "INVALID_ARGUMENT", "API key not valid.", (KEY,), errors.ProviderCredentialError, id="bad-key"
        ),
        pytest.param(
            400,
            "INVALID_ARGUMENT",
            "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
            (),
            errors.ContextLengthError,
            id="too-long",
        ),
        pytest.param(403, "PERMISSION_DENIED", "no", (), errors.ProviderCredentialError, id="forbidden"),
        pytest.param(404, "NOT_FOUND", "no", (), errors.ProviderModelNotFoundError, id="unknown-model"),
        pytest.param(429, "RESOURCE_EXHAUSTED", "no", (), errors.ProviderRateLimitedError, id="quota"),
        pytest.param(500, "INTERNAL", "no", (), errors.ProviderFailedError, id="internal"),
        pytest.param(503, "UNAVAILABLE", "overloaded", (), errors.ProviderOverloadedError, id="overloaded"),
        pytest.param(504, "DEADLINE_EXCEEDED", "no", (), errors.ProviderTimeoutError, id="too-slow"),
    ],
)
def test_a_status_and_its_words_say_what_it_was(code, status, message, details, expected):
    error = GeminiGenerateContent().error(code, {}, body(code, status, message, details))
    assert type(error) is expected
    assert error.http_status == code
