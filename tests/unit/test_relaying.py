"""A caller's own bytes, passed on."""

import pytest

from airegistry.dialects.relaying import relayed
from airegistry.errors import InvalidArgumentError

ODD = (
    rb'{"a":1.10,"b": [ 1e400, "\u00e9\ud83d\ude00", {"x":null}],"big":123456789012345678901234567890,"model":"asked"}'
)


def test_what_is_not_ours_keeps_its_bytes():
    sent = relayed(ODD, ("model",), {"model": "served"})
    for member in (
        rb'"a":1.10',
        rb'"b":[ 1e400, "\u00e9\ud83d\ude00", {"x":null}]',
        rb'"big":123456789012345678901234567890',
    ):
        assert member in sent
    assert sent.endswith(b'"model":"served"}')
    assert b"asked" not in sent


def test_what_is_ours_and_not_given_is_left_out():
    assert relayed(b'{"stream":true,"n":1}', ("stream", "stream_options"), {}) == b'{"n":1}'


def test_what_is_given_but_not_ours_is_not_sent():
    assert relayed(b'{"n":1}', ("model",), {"model": "served", "n": 2}) == b'{"n":1,"model":"served"}'


@pytest.mark.parametrize("wire", [b"", b"[]", b"{", b"\xff"], ids=["nothing", "array", "cut", "no-text"])
def test_no_object_is_refused(wire):
    with pytest.raises(InvalidArgumentError, match="JSON object"):
        relayed(wire, ("model",), {"model": "served"})
