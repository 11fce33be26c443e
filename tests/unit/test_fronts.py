"""What becomes of a request to a front, whatever the one that answers it does."""

from typing import Any

import pytest
from starlette.exceptions import HTTPException

from airegistry.errors import ModelNotFoundError
from gateway.fronts.app import Fronts
from gateway.fronts.connection import CallerGoneError

START = {"type": "http.response.start", "status": 200, "headers": []}


class Observer:
    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def call_started(self, method: str) -> None:
        self.told.append((method,))

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        assert 0 <= seconds < 60
        self.told.append((method, code))


class Request:
    """A request, and what is sent to answer it."""

    def __init__(self, path: str = "/v1/chat/completions") -> None:
        self.observer = Observer()
        self.sent: list[Any] = []
        self._path = path

    async def answered_by(self, app: Any) -> None:
        scope = {"type": "http", "method": "POST", "path": self._path, "headers": [], "query_string": b""}
        await Fronts(app, self.observer)(scope, self._nothing, self._send)

    async def _nothing(self) -> Any:
        raise AssertionError("nobody asks")

    async def _send(self, event: Any) -> None:
        self.sent.append(event)


def failing(error: Exception, *, begun: bool = False) -> Any:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        if begun:
            await send(START)
        raise error

    return app


async def test_an_error_of_ours_is_answered_and_counted_by_its_status():
    request = Request()
    await request.answered_by(failing(ModelNotFoundError("nobody serves x")))
    assert request.sent[0]["status"] == 404
    assert b"nobody serves x" in request.sent[1]["body"]
    assert request.observer.told == [("/v1/chat/completions",), ("/v1/chat/completions", "404")]


async def test_an_unexpected_error_is_answered_without_its_words_and_told_to_who_serves():
    request = Request("/v1/messages/count_tokens")
    with pytest.raises(ValueError, match="secret"):
        await request.answered_by(failing(ValueError("a secret")))
    assert request.sent[0]["status"] == 500
    assert b"secret" not in request.sent[1]["body"]
    assert request.observer.told[1] == ("/v1/messages/count_tokens", "500")


@pytest.mark.parametrize("error", [ValueError("x"), ModelNotFoundError("x")], ids=["unexpected", "ours"])
async def test_after_the_beginning_of_an_answer_an_error_adds_nothing_to_it(error):
    request = Request("/api/chat/")
    with pytest.raises(type(error)):
        await request.answered_by(failing(error, begun=True))
    assert request.sent == [START]
    assert request.observer.told == [("/api/chat",), ("/api/chat", "200")]


async def test_a_caller_that_left_gets_nothing_and_is_no_error():
    request = Request("/v1/what/is/this")
    await request.answered_by(failing(CallerGoneError()))
    assert request.sent == []
    assert request.observer.told == [("other",), ("other", "499")]


async def test_what_matches_no_route_is_refused_in_the_shape_of_its_front_with_the_methods_in_order():
    request = Request("/api/tags")
    await request.answered_by(failing(HTTPException(405, headers={"Allow": "PUT, GET"})))
    assert request.sent[0]["status"] == 405
    assert dict(request.sent[0]["headers"])[b"allow"] == b"GET, PUT"
    said = b'{"error":"POST /api/tags is nothing that this gateway answers; it takes GET, PUT"'
    assert request.sent[1]["body"].startswith(said)
