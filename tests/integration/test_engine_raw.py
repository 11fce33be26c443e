"""Requests that go through as they are: to targets of that format alone, and nowhere but below their address."""

import json
from contextlib import asynccontextmanager
from typing import Any

import pytest

from airegistry import errors, invoke
from airegistry.invocations.invocation import Invocation
from airegistry.invocations.kinds import RawRequest
from airegistry.invocations.usage import CostState
from airegistry.invoke import EngineSettings
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.routing.gates.breaker import BreakerSettings
from tests import catalogs, providers
from tests.engines import engine_over, streamed
from tests.providers import provider, status

BODY = b'{ "model" : "theirs",\n "messages":[], "unknown" : 1e400 }'


def raw(**facts: Any) -> Invocation:
    return Invocation(model="m", raw=RawRequest(**{"dialect": "openai.chat", "body": BODY} | facts))


async def echo(peer):
    """Answer with what came, byte for byte."""
    await peer.reply(200, peer.raw, {"x-path": peer.path})


async def test_the_body_is_not_touched_in_either_direction():
    async with engine_over(echo) as scene:
        answered = await scene.engine.invoke(raw())
        (peer,) = scene.providers[0].seen
    assert peer.raw == BODY
    assert peer.path == "/v1/chat/completions"
    assert answered.output.body == BODY
    assert (answered.output.status, answered.output.content_type) == (200, "application/json")
    assert answered.settlement.target == "models/m/endpoints/a"
    assert answered.settlement.cost.state is CostState.UNKNOWN


async def test_the_path_and_the_media_type_are_the_callers():
    async with engine_over(echo) as scene:
        await scene.engine.invoke(raw(path="/audio/speech?x=%20y", content_type="application/x-other"))
        (peer,) = scene.providers[0].seen
    assert peer.path == "/v1/audio/speech?x=%20y"
    assert peer.headers["content-type"] == "application/x-other"


@pytest.mark.parametrize(
    "path",
    [
        "/../admin",
        "/x/../../admin",
        "/%2e%2e/admin",
        "/%252e%252e/admin",
        "/..%2fadmin",
        "/.%5c..%5cadmin",
        "/./x",
        "//elsewhere.test/x",
        "http://elsewhere.test/x",
        "@elsewhere.test/x",
        ".elsewhere.test/x",
        "/x\r\nhost: elsewhere",
        "/x y",
        "/x#y",
        "/\\elsewhere",
        "/ä",
    ],
)
async def test_a_path_stays_below_the_address(path):
    async with engine_over(echo) as scene:
        with pytest.raises(errors.InvalidArgumentError) as refused:
            await scene.engine.invoke(raw(path=path))
        assert [violation.field for violation in refused.value.violations] == ["invocation.raw.path"]
    assert scene.seen() == [0]


async def test_a_media_type_is_no_way_to_write_headers():
    async with engine_over(echo) as scene:
        with pytest.raises(errors.InvalidArgumentError) as refused:
            await scene.engine.invoke(raw(content_type="text/plain\r\nx: y"))
    assert [violation.field for violation in refused.value.violations] == ["invocation.raw.content_type"]


@asynccontextmanager
async def two_formats():
    """Run an endpoint of another format beside one of this."""
    other = Communication("anthropic.messages", auth=Auth(AuthMethod.NONE))
    async with provider(echo) as up, provider(echo) as there:
        resources = [
            catalogs.model(),
            catalogs.endpoint("a", there.url, communication=other),
            catalogs.endpoint("b", up.url, priority=1),
        ]
        async with invoke.open_engine(catalogs.cache_of(resources)) as engine:
            yield engine, there


async def test_only_targets_of_that_format_are_asked():
    async with two_formats() as (engine, there):
        answered = await engine.invoke(raw())
        assert there.seen == []
    assert answered.settlement.target.endswith("/b")


async def test_a_format_that_nobody_speaks_has_no_candidate():
    async with engine_over(echo) as scene:
        with pytest.raises(errors.NoCandidateError):
            await scene.engine.invoke(raw(dialect="not.known"))


async def test_errors_are_read_as_the_formats_own():
    settings = EngineSettings(breaker=BreakerSettings(minimum_volume=1))
    too_long = status(400, code="context_length_exceeded")
    async with engine_over(too_long, settings=settings) as scene:
        with pytest.raises(errors.ContextLengthError):
            await scene.engine.invoke(raw())


async def test_another_target_takes_over():
    async with engine_over(status(503), echo) as scene:
        answered = await scene.engine.invoke(raw())
    assert answered.settlement.target.endswith("/b")


async def test_a_stream_comes_as_its_bytes():
    whole = json.dumps({"model": "m", "messages": [], "stream": True}).encode()
    async with engine_over(providers.ok) as scene:
        events, failed = await streamed(scene.engine, raw(body=whole))
    assert failed is None
    assert events[0].started.target == "models/m/endpoints/a"
    body = b"".join(event.raw.body for event in events if event.raw is not None)
    assert body.startswith(b"data: {")
    assert body.endswith(b"data: [DONE]\n\n")


async def test_a_stream_that_breaks_never_ends_well():
    async def broken(peer):
        await peer.head(200, {"content-length": "1000"})
        await peer.send(b"data: half")

    async with engine_over(broken) as scene:
        events, failed = await streamed(scene.engine, raw())
    assert isinstance(failed, errors.ProviderConnectionError)
    assert all(event.end is None for event in events)
