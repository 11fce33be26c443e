"""The table that says what an attempt's error means."""

import pytest

from airegistry import errors
from airegistry.resources.route import ErrorClass
from airegistry.routing.error_classes import VERDICTS, Blame, NextStep, classify


def subclasses(cls):
    return {cls, *(found for sub in cls.__subclasses__() for found in subclasses(sub))}


def test_every_provider_error_has_its_line():
    assert set(VERDICTS) == subclasses(errors.ProviderError)


def test_every_error_class_comes_from_some_error():
    assert {verdict.error_class for verdict in VERDICTS.values()} == set(ErrorClass)


@pytest.mark.parametrize(
    ("error", "step"),
    [
        pytest.param(errors.ProviderFailedError("", http_status=500), NextStep.RETRY_SAME, id="500"),
        pytest.param(errors.ProviderFailedError("", http_status=502), NextStep.MOVE_ON, id="502"),
        pytest.param(
            errors.ProviderConnectionError("", metadata={"connection": "reset"}), NextStep.RETRY_SAME, id="reset"
        ),
        pytest.param(errors.ProviderConnectionError(""), NextStep.MOVE_ON, id="never-connected"),
        pytest.param(errors.ContentRefusedError(""), NextStep.STOP, id="content"),
    ],
)
def test_what_may_pass_is_tried_once_more(error, step):
    assert classify(error).next is step


def test_a_refusal_moves_on_only_where_that_is_wanted():
    assert classify(errors.ContentRefusedError(""), reroute_refusals=True).next is NextStep.MOVE_ON
    assert classify(errors.ProviderRejectedError(""), reroute_refusals=True).next is NextStep.STOP


def test_what_the_caller_did_wrong_is_not_blamed_on_the_endpoint():
    blamed = {verdict.error_class for verdict in VERDICTS.values() if verdict.blame is Blame.ENDPOINT}
    assert not blamed & {
        ErrorClass.INVALID_REQUEST,
        ErrorClass.CONTEXT_LENGTH,
        ErrorClass.CONTENT_FILTER,
        ErrorClass.RATE_LIMITED,
    }
