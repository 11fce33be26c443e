"""The heads and trailers of calls, as gRPC's protocol over HTTP/2 spells them."""

import base64
from urllib.parse import unquote_to_bytes

import pytest
from google.rpc import status_pb2
from grpc import StatusCode
from hypothesis import example, given
from hypothesis import strategies as st

from airegistry._rpc.asgi.headers import is_grpc, metadata_of, peer_of, status_trailers, timeout_of
from airegistry._rpc.asgi.refusing import ProtocolError


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"2H", 7200),
        (b"3M", 180),
        (b"5S", 5),
        (b"250m", 0.25),
        (b"250u", 0.00025),
        (b"250n", 0.00000025),
        (b"0n", 0),
        (b"99999999H", 359999996400),
        (b"123456789S", 123456789),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else "",
)
def test_each_unit_of_a_timeout_is_known(value, seconds):
    assert timeout_of(value) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value", [b"", b"S", b"5", b"5s", b"-5S", b"+5S", b"5.0S", b"5 S", b"1_0S", b"\xb2S", b"9" * 30 + b"S"], ids=repr
)
def test_a_timeout_that_says_nothing_is_refused_as_the_core_does(value):
    with pytest.raises(ProtocolError) as caught:
        timeout_of(value)
    assert caught.value.code is StatusCode.INTERNAL
    assert caught.value.message == "Error parsing 'grpc-timeout' metadata"


def test_metadata_is_what_callers_gave_and_nothing_of_the_carrier():
    headers = [
        (b"host", b"a:1"),
        (b":path", b"/x"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
        (b"grpc-timeout", b"1S"),
        (b"grpc-encoding", b"gzip"),
        (b"grpc-accept-encoding", b"gzip"),
        (b"user-agent", b"some/1"),
        (b"k", b"v"),
        (b"k", b"w"),
        (b"traceparent", b"00-1"),
    ]
    assert metadata_of(headers) == {"user-agent": "some/1", "k": "w", "traceparent": "00-1"}


@given(value=st.binary(max_size=40), padded=st.booleans())
def test_binary_metadata_comes_back_with_padding_or_without(value, padded):
    text = base64.b64encode(value)
    assert metadata_of([(b"k-bin", text if padded else text.rstrip(b"="))]) == {"k-bin": value}


@pytest.mark.parametrize("joined", [b"AAE,Ag", b"AAE=, Ag==", b"AAE=,Ag"], ids=repr)
def test_of_binary_metadata_that_was_joined_the_last_counts(joined):
    assert metadata_of([(b"k-bin", joined)]) == {"k-bin": b"\2"}


@pytest.mark.parametrize("value", [b"!!", b"A", b"AAAAA", b"AA AE", b"\xff\xff"], ids=repr)
def test_binary_metadata_that_is_no_base64_is_refused_by_its_name(value):
    with pytest.raises(ProtocolError) as caught:
        metadata_of([(b"k-bin", value)])
    assert caught.value.code is StatusCode.INTERNAL
    assert caught.value.message == "Error parsing 'k-bin' metadata: illegal base64 encoding"


@pytest.mark.parametrize(
    ("client", "peer"),
    [
        pytest.param(("127.0.0.1", 5), "ipv4:127.0.0.1:5", id="ipv4"),
        pytest.param(("::1", 5), "ipv6:%5B::1%5D:5", id="ipv6"),
        pytest.param(None, "unknown", id="none"),
    ],
)
def test_a_peer_is_named_as_grpc_does(client, peer):
    assert peer_of(client) == peer


@given(message=st.text())
@example(message="half of a pair: \ud800")
def test_any_message_survives_in_a_header(message):
    trailers = dict(status_trailers(StatusCode.NOT_FOUND, message))
    sent = trailers[b"grpc-message"]
    assert all(0x20 <= byte <= 0x7E for byte in sent)
    assert unquote_to_bytes(sent).decode() == message.encode(errors="replace").decode()
    assert trailers[b"grpc-status"] == b"5"


def test_plain_words_stay_as_they_are():
    text = "plain words, even these: ~!@#$^&*()_+`-={}[]|\\:\";'<>?,./"
    assert dict(status_trailers(StatusCode.OK, text))[b"grpc-message"] == text.encode()
    assert dict(status_trailers(StatusCode.OK, "100 %\n"))[b"grpc-message"] == b"100 %25%0A"


def test_details_go_as_base64_without_padding():
    details = status_pb2.Status(code=5, message="x").SerializeToString()
    trailers = dict(status_trailers(StatusCode.NOT_FOUND, "x", details))
    assert trailers[b"grpc-status-details-bin"] == base64.b64encode(details).rstrip(b"=")
    assert metadata_of(trailers.items()) == {}
    assert b"grpc-status-details-bin" not in dict(status_trailers(StatusCode.OK, ""))


@pytest.mark.parametrize(
    "kind",
    [
        b"application/grpc",
        b"application/grpc+proto",
        b"application/grpc+raw",
        b"application/grpc; charset=utf-8",
        b"Application/GRPC",
    ],
    ids=repr,
)
def test_content_types_of_grpc_are_known(kind):
    assert is_grpc(kind)


@pytest.mark.parametrize(
    "kind",
    [b"", b"application/json", b"application/grpc-web", b"application/grpc-web+proto", b"application/grpcx"],
    ids=repr,
)
def test_other_content_types_are_not(kind):
    assert not is_grpc(kind)
