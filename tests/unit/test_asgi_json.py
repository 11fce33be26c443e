"""Calls that were made in JSON, and come as gRPC from who translates them."""

import threading

import pytest

from airegistry._rpc.asgi.app import GrpcApp
from airegistry._rpc.asgi.framing import frame
from airegistry._rpc.pieces import Pieces
from airegistry._rpc.service import Method, Service, write
from airegistry.errors import InvalidArgumentError
from tests.unit.test_asgi_app import Exchange, Observer, answered, made, ok, three

PATH = "/rest/v1/ok"


async def test_a_call_that_was_made_in_json_is_answered_in_json():
    got = await answered(Exchange("Ok", frame(b"a"), x_envoy_original_path=PATH))
    assert got.types == ["start", "body"]
    assert got.events[1]["body"] == b'{"said":"a"}'
    assert dict(got.events[0]["headers"]) == {
        b"content-type": b"application/json",
        b"content-length": b"12",
        b"grpc-status": b"0",
    }
    assert not got.events[0].get("trailers")


async def test_an_answer_that_nobody_here_writes_as_json_is_translated_by_who_asked():
    got = await answered(Exchange("Three", frame(b""), x_envoy_original_path="/rest/v1/three"))
    assert got.types == ["start", *["body"] * 4, "trailers"]


@pytest.mark.parametrize(("size", "kind"), [(65_536, b"application/json"), (65_537, b"application/grpc")])
async def test_a_large_answer_is_translated_by_who_asked(size, kind):
    got = await answered(Exchange("Large", frame(b"%d" % size), x_envoy_original_path="/rest/v1/large"))
    assert dict(got.events[0]["headers"])[b"content-type"] == kind


@pytest.mark.parametrize(("size", "kind"), [(65_536, b"application/json"), (65_537, b"application/grpc")])
async def test_an_answer_in_pieces_goes_the_same_ways(size, kind):
    async def cut(_request, _call):
        return Pieces(b"x", "said", (b"y" * (size - 1),))

    method = Method("Cut", "/t.T/Cut", bytes, unary=cut, json=write)
    app = GrpcApp([Service("t.T", (method,))], Observer())
    got = await answered(Exchange("Cut", frame(b""), x_envoy_original_path="/rest/v1/cut"), app)
    assert dict(got.events[0]["headers"])[b"content-type"] == kind
    assert b"".join(event.get("body", b"") for event in got.events).endswith(b"x" + b"y" * (size - 1))


async def test_an_error_is_a_status_for_who_translates_it():
    got = await answered(Exchange("Missing", frame(b""), x_envoy_original_path="/rest/v1/missing"))
    assert dict(got.events[0]["headers"])[b"content-type"] == b"application/grpc"
    assert got.status == (b"5", "not here")


async def test_a_call_in_json_that_was_ended_meanwhile_ends_so():
    observer = Observer()
    got = await answered(Exchange("Ends", frame(b""), x_envoy_original_path="/rest/v1/ends"), made(observer))
    assert got.status == (b"14", "enough")
    assert observer.codes == ["Ends started", "UNAVAILABLE"]


async def test_a_caller_in_json_may_leave_before_the_answer():
    observer, exchange = Observer(), Exchange("Ok", frame(b"a"), x_envoy_original_path=PATH)
    exchange.left.set()
    await answered(exchange, made(observer))
    assert observer.codes == ["Ok started", "OK"]


def refuse(_data):
    raise InvalidArgumentError("the body is no JSON")


def reading_app(read, *, limit=200_000):
    """Serve a method whose requests *read* makes of what is passed on."""
    methods = (
        Method("Ok", "/t.T/Ok", bytes, unary=ok, from_json=read),
        Method("Three", "/t.T/Three", bytes, stream=three, from_json=read),
    )
    return GrpcApp([Service("t.T", methods)], Observer(), max_receive_bytes=limit)


async def test_a_request_in_json_is_read_first():
    got = await answered(Exchange("Ok", frame(b"a"), x_envoy_original_path=PATH), reading_app(bytes.upper))
    assert got.events[1]["body"] == frame(b"A")


@pytest.mark.parametrize("method", ["Ok", "Three"])
async def test_a_request_in_json_that_is_none_is_refused(method):
    got = await answered(Exchange(method, frame(b"a"), x_envoy_original_path=PATH), reading_app(refuse))
    assert got.status == (b"3", "the body is no JSON")


@pytest.mark.parametrize("method", ["Ok", "Three"])
async def test_a_request_over_grpc_is_not_read_so(method):
    got = await answered(Exchange(method, frame(b"a")), reading_app(refuse))
    assert got.status == (b"0", "")


@pytest.mark.parametrize(("size", "beside"), [(65_536, False), (65_537, True)])
async def test_a_large_request_in_json_is_read_beside_the_loop(size, beside):
    threads = []

    def read(data):
        threads.append(threading.current_thread())
        return data

    got = await answered(Exchange("Ok", frame(b"a" * size), x_envoy_original_path=PATH), reading_app(read))
    assert got.status == (b"0", "")
    assert (threads != [threading.current_thread()]) == beside
