"""The way past all routes, which must lead where the routes would."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route, Router

from gateway.fronts.shortcut import Shortcut


def answering(name: str) -> Any:
    async def answer(_request: Request) -> Response:
        return Response(name)

    return answer


class Picky(Route):
    """A route that takes nothing."""

    def matches(self, _scope: Any) -> Any:
        return Match.NONE, {}


ROUTES = [
    Picky("/picky", answering("picky"), methods=["POST"]),
    Route("/picky", answering("taken"), methods=["POST"]),
    Route("/things", answering("listed"), methods=["GET"]),
    Route("/things/{name}", answering("named"), methods=["POST"]),
    Route("/chat", answering("first"), methods=["POST"]),
    Route("/chat", answering("second"), methods=["POST"]),
    Route("/both", answering("both"), methods=["GET", "POST"]),
]


async def asked(app: Any, method: str, path: str) -> Any:
    events: list[Any] = []

    async def send(event: Any) -> None:
        events.append(event)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b"", "root_path": ""}
    await app(scope, receive, send)
    return events[0]["status"], events[1]["body"], dict(events[0]["headers"]).get(b"location")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("path", ["/chat", "/chat/", "/picky", "/things", "/things/a", "/both", "/none"])
async def test_a_request_ends_where_it_would_without_the_shortcut(method, path):
    assert await asked(Shortcut(Router(ROUTES)), method, path) == await asked(Router(ROUTES), method, path)


async def test_the_shortcut_alone_finds_what_only_posts_at_a_fixed_address():
    router = Router(ROUTES)
    shortcut = Shortcut(router)
    router.routes.clear()
    assert [(await asked(shortcut, "POST", path))[1] for path in ("/chat", "/picky")] == [b"first", b"taken"]
    for method, path in (("GET", "/chat"), ("POST", "/things/a"), ("POST", "/both"), ("GET", "/things")):
        assert (await asked(shortcut, method, path))[0] == 404
