"""What a real Envoy makes of the bootstrap: REST by transcoding, as lines and as events."""

import asyncio
import json

import aiohttp
import pytest
import pytest_asyncio

from tests.envoys import plan, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAMED = "/registry/v1/models/tiny"
WATCH = "/registry/v1/resources:watch"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def envoy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("envoy")
    async with running(plan(folder, pages=("/registry/v1/openapi.json",), max_rest_request_bytes=100_000)) as envoy:
        yield envoy


@pytest_asyncio.fixture(loop_scope="module")
async def session(envoy):
    async with aiohttp.ClientSession(envoy.url) as session:
        yield session


async def test_a_call_is_answered_in_json_with_the_names_of_protobuf(session):
    async with session.get(NAMED) as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        shown = await answer.json()
    assert shown["revision"] == "7"
    assert shown["resource"]["name"] == "models/tiny"
    assert shown["resource"]["model"]["displayName"] == "A model"


@pytest.mark.parametrize("model", [{"displayName": "A"}, {"display_name": "A"}], ids=["json", "proto"])
async def test_a_body_may_spell_names_either_way(session, model):
    body = {"resources": [{"name": "models/a", "model": model}], "requestId": "1"}
    async with session.post("/registry/v1/resources:register", json=body) as answer:
        assert await answer.json() == {"revision": "1"}


async def test_an_error_is_a_status_with_its_details(session):
    async with session.get("/registry/v1/models/wrong") as answer:
        assert (answer.status, answer.content_type) == (400, "application/json")
        shown = await answer.json()
    assert (shown["code"], shown["message"]) == (3, "no such name: models/wrong")
    info, request = shown["details"]
    assert (info["@type"], info["reason"]) == ("type.googleapis.com/google.rpc.ErrorInfo", "INVALID_ARGUMENT")
    assert request["fieldViolations"] == [{"field": "name", "description": "is not known"}]


@pytest.mark.parametrize(
    ("request_line", "body", "status", "reason", "named"),
    [
        pytest.param(f"GET {NAMED}?nope=1", None, 400, "INVALID_ARGUMENT", "nope", id="parameter"),
        pytest.param("GET /registry/v1/nope", None, 404, "NOT_FOUND", "nope", id="path"),
        pytest.param(f"POST {WATCH}", b"{nope", 400, "INVALID_ARGUMENT", "line 1 column 2", id="json"),
        pytest.param(f"POST {WATCH}", b'{"afterRevision": "x"}', 400, "INVALID_ARGUMENT", "after_revision", id="value"),
    ],
)
async def test_what_no_handler_gets_to_see_is_a_status_too(session, request_line, body, status, reason, named):
    async with session.request(*request_line.split(), data=body) as answer:
        assert (answer.status, answer.content_type) == (status, "application/json")
        shown = await answer.json()
    assert shown["details"][0]["reason"] == reason
    assert named in shown["message"]


async def test_a_request_that_is_too_large_is_refused(session):
    body = json.dumps({"requestId": "x" * 200_000}).encode()
    async with session.post("/registry/v1/resources:register", data=body) as answer:
        assert (answer.status, answer.content_type) == (413, "application/json")
        assert (await answer.json())["details"][0]["reason"] == "REQUEST_TOO_LARGE"


async def test_a_stream_is_lines_of_json(session):
    async with session.post(
        WATCH, json={"afterRevision": "5"}, headers={"accept-encoding": "gzip, br, zstd"}
    ) as answer:
        assert (answer.status, answer.content_type) == (200, "application/x-ndjson")
        assert "content-encoding" not in answer.headers
        arrived = [json.loads(line)["revision"] async for line in answer.content]
    assert arrived == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
async def test_what_a_stream_says_comes_while_it_goes_on(session, accept):
    # Its end is minutes away.
    async with (
        asyncio.timeout(60),
        session.post(WATCH, json={"afterRevision": "10000"}, headers={"accept": accept}) as answer,
    ):
        first = await answer.content.readline()
    assert json.loads(first.removeprefix(b"data: "))["revision"] == "1"


async def test_a_stream_is_events_for_who_accepts_them(session):
    async with session.post(WATCH, json={"afterRevision": "3"}, headers={"accept": "text/event-stream"}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        assert "content-encoding" not in answer.headers
        arrived = [line async for line in answer.content]
    data = [line.removeprefix(b"data: ") for line in arrived if line.startswith(b"data: ")]
    assert [json.loads(one)["revision"] for one in data] == ["1", "2", "3"]
    assert arrived[1::2] == [b"\n"] * 3


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
async def test_a_stream_that_is_refused_is_an_answer_with_a_status(session, accept):
    body = {"resumeToken": "refused"}
    async with session.post(WATCH, json=body, headers={"accept": accept}) as answer:
        assert (answer.status, answer.content_type) == (400, "application/json")
        assert (await answer.json())["details"][0]["reason"] == "REVISION_COMPACTED"


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
async def test_a_stream_that_breaks_ends_with_its_error(session, accept):
    body = {"afterRevision": "1", "resumeToken": "broken"}
    async with session.post(WATCH, json=body, headers={"accept": accept}) as answer:
        lines = [line for line in (await answer.read()).splitlines() if line]
    error = json.loads(lines[-1].removeprefix(b"data: "))["error"]
    assert (error["code"], error["message"]) == (14, "the server stops")
    assert error["details"][0]["reason"] == "UNAVAILABLE"


async def test_a_unary_answer_is_json_whatever_is_accepted(session):
    async with session.get(NAMED, headers={"accept": "text/event-stream"}) as answer:
        assert answer.content_type == "application/json"


async def test_pages_of_the_application_are_below_the_rest_api_too(session):
    async with session.get("/registry/v1/openapi.json?a=b") as answer:
        assert (await answer.json())["path"] == "/registry/v1/openapi.json"


async def test_other_paths_reach_the_application_untouched(session):
    body = b"x" * 1_000_000
    async with session.post("/v1/chat/completions?stream=1", data=body, headers={"x-mine": "1"}) as answer:
        seen = await answer.json()
    assert (seen["method"], seen["path"], seen["query"]) == ("POST", "/v1/chat/completions", "stream=1")
    assert (seen["bytes"], seen["headers"]["x-mine"]) == (len(body), "1")


async def test_who_says_to_be_another_peer_is_not_believed(session):
    async with session.get("/who", headers={"x-forwarded-for": "10.1.2.3"}) as answer:
        assert (await answer.json())["client"] == "127.0.0.1"


async def test_a_call_that_goes_away_ends_at_once(session):
    async with session.post(WATCH, json={"afterRevision": "1000"}) as answer:
        await answer.content.readline()
    async with asyncio.timeout(30), session.get(NAMED) as answer:
        assert answer.status == 200
