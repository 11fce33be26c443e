"""What the errors of an Ollama mean, by status and on a line of an answer."""

import orjson
import pytest

from airegistry.dialects.ollama.chat import OllamaChat
from airegistry.errors import (
    ContextLengthError,
    ProviderCredentialError,
    ProviderError,
    ProviderFailedError,
    ProviderModelNotFoundError,
    ProviderOverloadedError,
    ProviderRateLimitedError,
    ProviderRejectedError,
    TruncatedAnswerError,
)
from airegistry.invocations.chat import ChatRequest

CASES = [
    (404, 'model "nope" not found, try pulling it first', ProviderModelNotFoundError),
    (404, "model 'nope' not found", ProviderModelNotFoundError),
    (400, '"gemma" does not support tools', ProviderRejectedError),
    (400, '"gemma" does not support thinking', ProviderRejectedError),
    (400, 'think value "high" is not supported for this model', ProviderRejectedError),
    (400, "invalid options: num_predict", ProviderRejectedError),
    (400, "the input length exceeds the context length", ContextLengthError),
    (401, "unauthorized", ProviderCredentialError),
    (429, "you have reached your hourly usage limit", ProviderRateLimitedError),
    (503, "server busy, please try again.  maximum pending requests exceeded", ProviderOverloadedError),
    (500, "model requires more system memory (9.1 GiB) than is available (4.2 GiB)", ProviderFailedError),
    (500, "llama runner process has terminated: signal: killed", ProviderFailedError),
    (502, "upstream error", ProviderFailedError),
]


@pytest.mark.parametrize(("status", "words", "cls"), CASES)
def test_an_error_says_what_it_is(status, words, cls):
    found = OllamaChat().error(status, {}, orjson.dumps({"error": words}))
    assert type(found) is cls
    assert found.http_status == status
    assert " ".join(words.split()) in found.message


def read(wire, *, stream):
    if stream:
        return OllamaChat().decoder(ChatRequest()).feed(wire + b"\n")
    return OllamaChat().decode(ChatRequest(), 200, {}, wire)


def test_a_busy_server_may_say_for_how_long():
    busy = OllamaChat().error(503, {"retry-after": "3"}, b'{"error":"server busy"}')
    assert busy.retry_after == 3


@pytest.mark.parametrize(
    ("line", "cls"),
    [
        ({"error": "unexpected EOF"}, ProviderFailedError),
        ({"error": "server busy", "status_code": 503}, ProviderOverloadedError),
        ({"error": "the prompt is too long; context length exceeded"}, ContextLengthError),
        ({"error": {"message": "unauthorized", "code": 401}}, ProviderCredentialError),
    ],
    ids=["plain", "status-beside", "too-long", "object"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_error_in_a_success_is_an_error(line, cls, stream):
    with pytest.raises(ProviderError) as caught:
        read(orjson.dumps(line), stream=stream)
    assert type(caught.value) is cls


def test_a_whole_answer_that_is_not_done_is_truncated():
    with pytest.raises(TruncatedAnswerError):
        OllamaChat().decode(ChatRequest(), 200, {}, b'{"model":"m","message":{"content":"Half"},"done":false}')


def test_an_error_shows_no_key():
    found = OllamaChat().error(401, {}, b'{"error":"bad key: Bearer abcdef1234567890"}')
    assert "abcdef" not in str(found)
