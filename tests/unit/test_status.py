import inspect
from base64 import b64encode
from typing import Any

import pytest
from google.protobuf import wrappers_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc import StatusCode, aio

from airegistry import errors
from airegistry._status import CODES, DETAILS_KEY, MAX_DETAILS_BYTES, code_of, from_call, status_of, to_status
from airegistry.errors import (
    ErrorStatus,
    FieldViolation,
    InvalidArgumentError,
    OverloadedError,
    ProviderRateLimitedError,
    RegistryError,
    UnavailableError,
)

CLASSES = [cls for cls in vars(errors).values() if inspect.isclass(cls) and issubclass(cls, RegistryError)]
LEAVES = [cls for cls in CLASSES if cls is not RegistryError]


def came(error: RegistryError) -> Any:
    """Return what a client makes of *error*."""
    return from_call(sent(error))


def sent(error):
    """Return the call error that a client sees when a server ends a call with *error*."""
    status = to_status(error)
    metadata = aio.Metadata((DETAILS_KEY, status.details))
    return aio.AioRpcError(status.code, aio.Metadata(), metadata, status.message, None)


def stranger(code, message="from elsewhere"):
    return aio.AioRpcError(code, aio.Metadata(), aio.Metadata(), message, None)


def test_every_class_has_a_code():
    assert set(CODES) == set(LEAVES)


@pytest.mark.parametrize("cls", LEAVES)
def test_every_class_comes_back_as_itself_with_its_facts(cls):
    error = came(cls("what happened", metadata={"a": "1"}, retry_after=1.5))
    assert type(error) is cls
    assert (error.message, error.metadata, error.retry_after) == ("what happened", {"a": "1"}, 1.5)


@pytest.mark.parametrize("cls", LEAVES)
def test_what_is_not_known_stays_unknown(cls):
    error = came(cls("what happened"))
    assert (error.retry_after, error.metadata, error.details) == (None, {}, ())


def test_violations_come_back():
    violations = (FieldViolation("resources[0].name", "is required"), FieldViolation("b", "is too long"))
    error = came(InvalidArgumentError(violations=violations))
    assert error.violations == violations
    assert str(error) == "resources[0].name: is required; b: is too long"


def test_the_http_status_of_a_provider_comes_back():
    assert came(ProviderRateLimitedError("slow down", http_status=429)).http_status == 429
    assert came(ProviderRateLimitedError("slow down")).http_status is None


def test_further_details_travel_with_the_error():
    wanted = wrappers_pb2.StringValue(value="more")
    (detail,) = came(UnavailableError("away", details=[wanted])).details
    found = wrappers_pb2.StringValue()
    assert detail.Unpack(found)
    assert found == wanted


def test_exactly_one_error_info_names_reason_and_domain():
    status = status_pb2.Status.FromString(to_status(OverloadedError("too much", retry_after=3.0)).details)
    infos = [detail for detail in status.details if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)]
    info = error_details_pb2.ErrorInfo()
    infos[0].Unpack(info)
    assert (len(infos), info.reason, info.domain) == (1, "OVERLOADED", "airegistry.dev")
    assert (status.code, status.message) == (code_pb2.RESOURCE_EXHAUSTED, "too much")


def test_what_does_not_fit_into_a_trailer_is_left_out_and_the_reason_is_kept():
    violations = [FieldViolation(f"f{i}", "x" * 1000) for i in range(20)]
    status = to_status(InvalidArgumentError("m" * 100_000, violations=violations))
    assert len(status.details) <= MAX_DETAILS_BYTES
    error = came(InvalidArgumentError("wrong", violations=violations))
    assert type(error) is InvalidArgumentError
    assert 3 <= len(error.violations) < 20
    assert error.violations == tuple(violations[: len(error.violations)])


def test_a_violation_that_alone_is_too_large_is_left_out():
    violations = [FieldViolation("f", "x" * MAX_DETAILS_BYTES)]
    status = to_status(InvalidArgumentError("wrong", violations=violations))
    assert len(status.details) <= MAX_DETAILS_BYTES
    assert came(InvalidArgumentError("wrong", violations=violations)).violations == ()


@pytest.mark.parametrize("char", ["m", "%", "ü", "😀", "\x00"])
def test_a_status_fits_into_a_trailer_whatever_its_message_says(char):
    status = to_status(InvalidArgumentError(char * 5_000, violations=[FieldViolation(char * 30, char * 60)] * 50))
    escaped = sum(1 if " " <= one <= "~" and one != "%" else 3 * len(one.encode()) for one in status.message)
    assert 1_000 < escaped <= 1_024
    assert len(b64encode(status.details)) + escaped < 7 * 1024


def test_a_delay_that_is_none_is_not_known():
    status = status_pb2.Status(code=code_pb2.UNAVAILABLE)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="UNAVAILABLE", domain="airegistry.dev"))
    endless = error_details_pb2.RetryInfo()
    endless.retry_delay.seconds = 2**60
    status.details.add().Pack(endless)
    trailer = aio.Metadata((DETAILS_KEY, status.SerializeToString()))
    error = from_call(aio.AioRpcError(StatusCode.UNAVAILABLE, aio.Metadata(), trailer, "away", None))
    assert (type(error), error.retry_after) == (UnavailableError, None)


@pytest.mark.parametrize("code", [code for code in StatusCode if code is not StatusCode.OK])
def test_a_status_without_our_info_becomes_the_plainest_class_of_its_code(code):
    error = from_call(stranger(code))
    plain = {StatusCode.UNKNOWN: RegistryError, StatusCode.DATA_LOSS: RegistryError}
    assert type(error) is plain.get(code) or CODES[type(error)] is code
    assert error.message == "from elsewhere"


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        pytest.param(StatusCode.UNAVAILABLE, errors.UnavailableError, id="unavailable"),
        pytest.param(StatusCode.INVALID_ARGUMENT, errors.InvalidArgumentError, id="invalid"),
        pytest.param(StatusCode.NOT_FOUND, errors.NotFoundError, id="not-found"),
        pytest.param(StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExceededError, id="deadline"),
        pytest.param(StatusCode.RESOURCE_EXHAUSTED, errors.OverloadedError, id="overloaded"),
        pytest.param(StatusCode.FAILED_PRECONDITION, errors.FailedPreconditionError, id="precondition"),
    ],
)
def test_gateways_and_proxies_in_between_give_general_errors(code, cls):
    assert type(from_call(stranger(code))) is cls


def test_a_reason_of_another_domain_is_not_ours():
    status = status_pb2.Status(code=code_pb2.NOT_FOUND)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="LEASE_EXPIRED", domain="elsewhere.example"))
    trailer = aio.Metadata((DETAILS_KEY, status.SerializeToString()))
    call = aio.AioRpcError(StatusCode.NOT_FOUND, aio.Metadata(), trailer, "gone", None)
    assert type(from_call(call)) is errors.NotFoundError


def test_a_class_without_a_row_has_the_code_of_its_nearest_base():
    class ModelRetiredError(errors.ModelNotFoundError):
        reason = "MODEL_RETIRED"

    assert code_of(ModelRetiredError("gone")) is StatusCode.NOT_FOUND


@pytest.mark.parametrize("cls", LEAVES)
def test_an_error_among_results_has_a_code_that_google_rpc_knows(cls):
    value = status_of(cls("what happened"))
    assert value == ErrorStatus(value.code, cls.reason, "what happened")
    assert value.code in code_pb2.Code.DESCRIPTOR.values_by_name
