"""Callers and providers of the same format: what the gateway does not know passes through."""

import json

import pytest

from airegistry.resources.route import RequestOverrides, RouteTarget, RouteTier
from tests import catalogs
from tests.integration.test_gateway_openai import ASK, front_over
from tests.providers import chunk, finish, stream_head

ODD = rb'"odd":{"deep":[1.10,"\u00e9"],"n":123456789012345678901234567890}'
REQUEST = rb'{"model":"m","messages":[{"role":"user","content":"Say","cache":{"x":1.0}}],"max_tokens":9,' + ODD


async def answer(peer):
    message = b'{"role":"assistant","content":"hi","extra_of_theirs":{"x":1.10}}'
    body = b'{"id":"up-1","choices":[{"index":0,"message":' + message + b',"finish_reason":"stop"}],' + ODD + b"}"
    await peer.reply(200, body)


async def stream(peer):
    await stream_head(peer)
    await peer.event(b'{"id":"up-1","choices":[{"index":0,"delta":{"content":"hi","theirs":1.10}}],' + ODD + b"}")
    await finish(peer)


async def test_a_whole_exchange_keeps_unknown_fields(tmp_path):
    async with front_over(tmp_path, answer) as front:
        async with front.http.post("/v1/chat/completions", data=REQUEST + b"}") as reply:
            body = await reply.read()
        sent = front.up.seen[0].raw
    assert ODD in sent
    assert b'"cache":{"x":1.0}' in sent
    assert json.loads(sent)["model"] == "served"
    assert ODD in body
    assert b'"extra_of_theirs":{"x":1.10}' in body
    account = json.loads(body)["airegistry"]
    assert account["target"] == "models/m/endpoints/a"
    assert "warnings" not in account


async def test_a_stream_keeps_unknown_fields(tmp_path):
    async with front_over(tmp_path, stream) as front:
        async with front.http.post("/v1/chat/completions", data=REQUEST + b',"stream":true}') as reply:
            body = await reply.read()
        sent = json.loads(front.up.seen[0].raw)
    assert sent["stream_options"] == {"include_usage": True}
    assert ODD in body
    assert b'"theirs":1.10' in body
    *events, done = body.decode().strip().split("\n\n")
    assert done == "data: [DONE]"
    last = json.loads(events[-1].removeprefix("data: "))
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["airegistry"]["attempts"] == 1


async def test_a_stream_that_is_cut_shows_no_end(tmp_path):
    async def cut(peer):
        await stream_head(peer)
        await peer.event(chunk({"content": "hi"}))

    async with (
        front_over(tmp_path, cut) as front,
        front.http.post("/v1/chat/completions", json={**ASK, "stream": True}) as reply,
    ):
        body = (await reply.read()).decode()
    assert "[DONE]" not in body
    assert '"finish_reason": "stop"' not in body
    assert "error" in body.strip().split("\n\n")[-1]


@pytest.mark.parametrize("asked", [5, 50], ids=["below-the-cap", "above-the-cap"])
async def test_a_route_still_changes_what_it_may(tmp_path, asked):
    async with front_over(tmp_path, answer, resources=[capped()]) as front:
        body = REQUEST.replace(b'"m"', b'"capped"').replace(b":9,", b":%d," % asked) + b"}"
        async with front.http.post("/v1/chat/completions", data=body) as reply:
            assert reply.status == 200
        sent = json.loads(front.up.seen[0].raw)
    assert (sent["max_tokens"], sent["temperature"]) == (min(asked, 20), 0.5)


def capped():
    overrides = RequestOverrides(max_output_tokens=20, temperature=0.5)
    return catalogs.route("capped", tiers=(RouteTier((RouteTarget(model="models/m", overrides=overrides),)),))
