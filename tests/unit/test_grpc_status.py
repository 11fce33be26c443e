"""What a gRPC status means: in the words of gRPC 1.80 and of later ones, which differ."""

import json

import grpc
import pytest
from grpc import aio

from airegistry._status import from_call, http_status
from airegistry.errors import MalformedAnswerError, ProviderConnectionError, ProviderTimeoutError
from airegistry.invoke.transport.grpc_status import broken, headers_of, refusal

CODE = grpc.StatusCode
ALL = "failed to connect to all addresses; last error: "
MADE_HERE = {
    "refused": (
        CODE.UNAVAILABLE,
        f"{ALL}UNKNOWN: ipv4:10.0.0.7:1: connect: Connection refused (111)",
        "connection refused",
    ),
    "unknown-name": (CODE.UNAVAILABLE, "errors resolving x:1: [field:Domain name not found]", "the name is not known"),
    "unknown-name-of-old": (CODE.UNAVAILABLE, "DNS resolution failed for x:1", "the name is not known"),
    "untrusted": (CODE.UNAVAILABLE, f"{ALL}SSL_ERROR_SSL: CERTIFICATE_VERIFY_FAILED", "certificate is not trusted"),
    "no-http2": (CODE.UNAVAILABLE, f"{ALL}Failed parsing HTTP/2", "does not speak HTTP/2"),
    "reset": (CODE.UNAVAILABLE, "Stream removed (Socket closed)", "the connection broke before the answer"),
    "reset-of-old": (CODE.UNAVAILABLE, "recvmsg:Connection reset by peer", "the connection broke before the answer"),
}


def error(code, details):
    return aio.AioRpcError(code, aio.Metadata(), aio.Metadata(), details, "")


@pytest.mark.parametrize(("code", "details", "words"), MADE_HERE.values(), ids=MADE_HERE)
def test_what_grpc_says_of_a_connection_is_a_connection_error_without_its_words(code, details, words):
    found = broken(error(code, details))
    assert isinstance(found, ProviderConnectionError)
    assert words in found.message
    assert "10.0.0.7" not in found.message
    assert ("connection" in found.metadata) == details.startswith(("Stream", "recvmsg"))


@pytest.mark.parametrize(
    ("code", "details", "kind"),
    [
        (CODE.RESOURCE_EXHAUSTED, "Received message larger than max (9 vs. 4)", MalformedAnswerError),
        (CODE.DEADLINE_EXCEEDED, "Deadline Exceeded", ProviderTimeoutError),
    ],
)
def test_our_own_bounds_are_told_from_a_server_s(code, details, kind):
    assert isinstance(broken(error(code, details)), kind)
    assert broken(error(code, "said the server")) is None


@pytest.mark.parametrize("code", [code for code in CODE if code is not CODE.OK])
def test_what_a_server_says_is_passed_on_as_http_would(code):
    refused = error(code, "no")
    assert broken(refused) is None
    said = json.loads(refusal(refused))["error"]
    assert said == {"message": "no", "type": code.name.lower(), "status": http_status(code)}
    assert 400 <= said["status"] < 600


def test_a_pause_that_is_asked_for_has_the_name_that_http_has_for_it():
    assert headers_of((("grpc-retry-pushback-ms", "250"), ("x-bin", b"\0")))["retry-after-ms"] == "250"
    assert "x-bin" not in headers_of((("x-bin", b"\0"),))


@pytest.mark.parametrize(
    ("code", "details", "words"),
    [
        (
            CODE.UNAVAILABLE,
            f"connections to all backends failing; {ALL}UNKNOWN: ipv4:10.0.0.7:1: Connection refused",
            "nobody answers: connection refused",
        ),
        (
            CODE.UNAVAILABLE,
            "errors resolving x:1: [field:Domain name not found]",
            "nobody answers: the name is not known",
        ),
        (CODE.UNAVAILABLE, "Stream removed (Socket closed)", "the connection broke"),
        (CODE.UNAVAILABLE, "the registry is shutting down", "the registry is shutting down"),
        (CODE.INTERNAL, "Socket closed", "Socket closed"),
    ],
    ids=["refused", "unknown-name", "broken", "of-a-server", "of-another-code"],
)
def test_what_grpc_says_of_a_connection_to_us_is_said_in_our_words(code, details, words):
    assert from_call(error(code, details)).message == words
