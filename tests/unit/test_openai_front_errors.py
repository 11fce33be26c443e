"""Our errors as callers of OpenAI's API get them."""

import inspect

import orjson
import pytest

from airegistry import errors
from airegistry.errors import InvalidArgumentError, ProviderRateLimitedError, RegistryError
from gateway.fronts.errors import STATUSES
from gateway.fronts.openai.errors import error_answer

CLASSES = [
    cls
    for _, cls in inspect.getmembers(errors, inspect.isclass)
    if issubclass(cls, RegistryError) and cls is not RegistryError
]


def answer(error):
    found = error_answer(error)
    return found, orjson.loads(found.body)["error"]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_has_a_status(cls):
    assert cls in STATUSES
    found, error = answer(cls("why"))
    assert found.status == STATUSES[cls]
    assert found.headers["content-type"] == "application/json"
    assert error["message"] == "why"
    assert (error["type"] == "invalid_request_error") == (found.status not in (401, 403, 429) and found.status < 500)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.ModelNotFoundError("x"), 404, "model_not_found"),
        (errors.ContextLengthError("x"), 400, "context_length_exceeded"),
        (errors.ContentRefusedError("x"), 400, "content_filter"),
        (errors.UnauthenticatedError("x"), 401, "invalid_api_key"),
        (errors.ProviderRateLimitedError("x"), 429, "rate_limit_exceeded"),
        (errors.ProviderCredentialError("x"), 502, "provider_credential"),
        (errors.NoCandidateError("x"), 503, "no_candidate"),
        (errors.OverloadedError("x"), 503, "overloaded"),
        (errors.ProviderTimeoutError("x"), 504, "provider_timeout"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_the_well_known_ones_have_openais_words(error, status, code):
    found, value = answer(error)
    assert (found.status, value["code"]) == (status, code)


def test_an_exhausted_quota_has_its_own_word():
    _, value = answer(ProviderRateLimitedError("x", metadata={"quota": "exhausted"}))
    assert (value["type"], value["code"]) == ("insufficient_quota", "insufficient_quota")


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("messages[0].content", "messages[0].content"),
        ("invocation.chat.messages[0].role", "messages[0].role"),
        ("invocation.chat.max_output_tokens", "max_completion_tokens"),
        ("invocation.chat.stop_sequences[3]", "stop[3]"),
        ("invocation.chat.choice_count", "n"),
        ("invocation.chat.reasoning.effort", "reasoning_effort"),
        ("invocation.embeddings.inputs[1].text", "input[1]"),
        ("invocation.embeddings.inputs[1].token_ids.ids", "input[1]"),
        ("embeddings.inputs[0].token_ids", "input[0]"),
        ("invocation.chat.tools[0].name", "tools[0].function.name"),
        ("invocation.chat.tools[1].input_schema.type", "tools[1].function.parameters.type"),
        ("invocation.chat.tool_choice.name", "tool_choice.function.name"),
        ("invocation.chat.messages[0].content[1].image.url", "messages[0].content[1].image_url.url"),
        ("chat.extra.temperature", "temperature"),
        ("invocation.image.count", "n"),
        ("invocation.image.inputs[2].url", "images[2].url"),
        ("invocation.model", "model"),
        ("max_output_tokens", "max_output_tokens"),
    ],
)
def test_a_field_goes_by_the_callers_name(path, param):
    error = answer(InvalidArgumentError.of(path, "is wrong"))[1]
    assert error["param"] == param
    assert error["message"] == f"{param}: is wrong"


def test_no_field_is_null():
    assert answer(InvalidArgumentError("x"))[1]["param"] is None
    assert answer(errors.UnavailableError("x"))[1]["param"] is None


@pytest.mark.parametrize(
    ("seconds", "whole", "exact"), [(0.2, "1", "200"), (7.0, "7", "7000"), (0.0, "0", "0")], ids=str
)
def test_the_wait_is_told_in_both_units(seconds, whole, exact):
    found, _ = answer(errors.OverloadedError("x", retry_after=seconds))
    assert (found.headers["retry-after"], found.headers["retry-after-ms"]) == (whole, exact)


def test_without_a_wait_nothing_is_told():
    assert "retry-after" not in answer(errors.OverloadedError("x"))[0].headers


def test_a_stranger_is_an_internal_error_without_words():
    found, value = answer(KeyError("sk-secret"))
    assert (found.status, value["message"]) == (500, "internal error")


def test_a_new_error_inherits_its_status():
    class NewError(errors.ContextLengthError):
        reason = "NEW"

    assert error_answer(NewError("x")).status == 400
