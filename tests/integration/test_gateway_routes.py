"""Routes as callers of a gateway see them: changes under traffic, arms of a split, models that go."""

import asyncio
import json
import time
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from airegistry import errors
from airegistry.client import GatewayClient, RegistryClient
from airegistry.invocations.invocation import Invocation
from airegistry.invocations.kinds import RerankRequest
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.model import Lifecycle, LifecycleStage
from airegistry.resources.route import RouteFallback, RoutePolicy, RouteTarget, RouteTier, Split, SplitArm
from tests import catalogs, providers
from tests.catalogs import asked, chat
from tests.clocks import Clock
from tests.planes import gateway_at, gateway_knowing, register, registry_at
from tests.providers import paced, provider, status
from tests.waiting import until

MESSAGES = [{"role": "user", "content": "Say something"}]
TURNS = 100


def to(model, **facts):
    return catalogs.route("r", tiers=(RouteTier((RouteTarget(model=f"models/{model}"),)),), **facts)


async def served_by(client, stop, answers):
    """Call the route again and again; note when each call began, when its answer came, and who gave it."""
    while not stop.is_set():
        began = time.monotonic()
        answer = await client.invoke(chat("r"))
        answers.append((began, time.monotonic(), answer.settlement.model))
        await asyncio.sleep(0.005)


async def a_second():
    """Let the second pass within which a change holds: as many turns of the loop, so what holds those up is not counted."""
    for _ in range(TURNS):
        await asyncio.sleep(1 / TURNS)


async def test_a_changed_route_holds_on_every_gateway_within_a_second_and_drops_no_call(tmp_path):
    """No call fails, and a stream that runs ends with who began it."""
    async with AsyncExitStack() as stack:
        old, new = [await stack.enter_async_context(provider(paced_or_whole)) for _ in range(2)]
        registry = await stack.enter_async_context(registry_at(tmp_path / "registry"))
        models = [catalogs.model("old"), catalogs.model("new")]
        endpoints = [catalogs.endpoint("x", up.url, model=id_) for id_, up in (("old", old), ("new", new))]
        await register(registry.address, *models, *endpoints, to("old"))
        clients = []
        for i in range(2):
            gateway = await stack.enter_async_context(gateway_at(tmp_path / f"gateway-{i}", registry.address))
            clients.append(await stack.enter_async_context(GatewayClient(gateway.address)))
        stop = asyncio.Event()
        answers: list[list[Any]] = [[] for _ in clients]
        async with asyncio.TaskGroup() as traffic:
            for client, noted in zip(clients, answers, strict=True):
                traffic.create_task(served_by(client, stop, noted))
            running = [traffic.create_task(streamed(client)) for client in clients]
            await until(lambda: all(answers) and sum(bool(peer.body.get("stream")) for peer in old.seen) == 2)
            changing = time.monotonic()
            await register(registry.address, to("new"))
            await a_second()
            changed = time.monotonic()
            await until(lambda: all(noted[-1][0] > changed for noted in answers))
            stop.set()
        for noted in answers:
            assert {model for _, answered, model in noted if answered < changing} == {"models/old"}
            assert {model for began, _, model in noted if began > changed} == {"models/new"}
        for stream in running:
            assert stream.result() == ("models/old", "".join(providers.TOKENS))


async def paced_or_whole(peer):
    await (paced(0.2) if peer.body.get("stream") else providers.ok)(peer)


async def streamed(client):
    text = ""
    account: Any = None
    async for event in client.invoke_stream(chat("r")):
        text += (event.chat_delta.text or "") if event.chat_delta else ""
        account = event.end.settlement if event.end else account
    return account.model, text


async def test_every_gateway_has_a_caller_on_the_same_arm_and_a_growing_arm_keeps_its_callers(tmp_path):
    async with AsyncExitStack() as stack:
        up = await stack.enter_async_context(provider(providers.ok))
        registry = await stack.enter_async_context(registry_at(tmp_path / "registry"))
        resources = [thing for id_ in ("base", "canary") for thing in one_model(id_, up.url)]
        await register(registry.address, *resources, to("base", split=canary(200_000)))
        gateways = [
            await stack.enter_async_context(gateway_at(tmp_path / f"gateway-{i}", registry.address)) for i in range(2)
        ]
        clients = [await stack.enter_async_context(GatewayClient(gateway.address)) for gateway in gateways]
        before = [await arms(client) for client in clients]
        assert before[0] == before[1]
        assert 0 < Counter(before[0].values())["canary"] < 30
        await register(registry.address, to("base", split=canary(600_000)))
        await a_second()
        after = await arms(clients[0])
        assert {user for user, arm in before[0].items() if arm} < {user for user, arm in after.items() if arm}
        page = await metrics(gateways[0].http_address)
        assert 'airegistry_split_calls_total{answered="true",arm="canary"' in page


def canary(share):
    return Split((SplitArm("canary", share, "models/canary"),), "user")


def one_model(id_, url, **facts):
    return catalogs.model(id_, **facts), catalogs.endpoint("x", url, model=id_)


async def arms(client):
    users = [f"user-{i}" for i in range(60)]
    answers = [await client.invoke(chat("r", chat=asked(user=user))) for user in users]
    return {user: answer.settlement.split_arm for user, answer in zip(users, answers, strict=True)}


async def metrics(address):
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}/metrics") as page:
        return await page.text()


async def posted(address, path="/v1/chat/completions", headers=None, **body):
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{address}{path}", json={"messages": MESSAGES, **body}, headers=headers) as answer,
    ):
        return answer.status, dict(answer.headers), await answer.text()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_callers_of_a_deprecated_model_are_told_in_a_header_and_in_the_account(tmp_path, stream):
    going = Lifecycle(LifecycleStage.DEPRECATED, replacement="models/new")
    async with (
        provider(providers.ok) as up,
        gateway_knowing(tmp_path, one_model("m", up.url, lifecycle=going)) as gateway,
    ):
        code, headers, text = await posted(gateway.http_address, model="m", stream=stream)
    assert code == 200
    assert headers["x-airegistry-notice"] == "models/m is deprecated; use models/new instead"
    assert "models/m is deprecated; use models/new instead" in text


async def test_a_retired_model_is_not_found_and_the_error_names_its_replacement(tmp_path):
    gone = Lifecycle(LifecycleStage.RETIRED, replacement="models/new")
    async with (
        provider(providers.ok) as up,
        gateway_knowing(tmp_path, one_model("m", up.url, lifecycle=gone)) as gateway,
        GatewayClient(gateway.address) as client,
    ):
        code, _, text = await posted(gateway.http_address, model="m")
        with pytest.raises(errors.ModelNotFoundError) as refused:
            await client.invoke(chat())
    assert code == 404
    assert json.loads(text)["error"]["code"] == "model_not_found"
    assert "use models/new instead" in json.loads(text)["error"]["message"]
    assert refused.value.metadata["replacement"] == "models/new"


async def test_a_retired_model_that_redirects_is_answered_by_its_replacement(tmp_path):
    gone = Lifecycle(LifecycleStage.RETIRED, replacement="models/new", redirect=True)
    async with provider(providers.ok) as up:
        resources = [*one_model("m", up.url, lifecycle=gone), *one_model("new", up.url)]
        async with gateway_knowing(tmp_path, resources) as gateway:
            code, headers, _ = await posted(gateway.http_address, model="m")
    assert code == 200
    assert headers["x-airegistry-target"] == "models/new/endpoints/x"
    assert headers["x-airegistry-notice"] == "models/m is retired; models/new answers instead"


async def test_explain_tells_of_all_that_decides(tmp_path):
    goes_on = Communication("openai.chat", auth=Auth(AuthMethod.NONE), continues_prefix=True)
    async with provider(status(503)) as down, provider(providers.ok) as up:
        resources = [
            catalogs.model(),
            catalogs.endpoint("a", down.url, communication=goes_on),
            catalogs.endpoint("b", up.url, priority=1),
            catalogs.route(
                "r",
                tiers=(RouteTier((RouteTarget(model="models/m"),)),),
                split=Split((SplitArm("canary", 1_000_000, "models/m"),), "session"),
                policy=RoutePolicy(hedge_delay=1.0),
                fallbacks=(RouteFallback((), "models/m"),),
            ),
        ]
        # A breaker that is open stays so.
        knowing = gateway_knowing(tmp_path, resources, now=Clock())
        async with knowing as gateway, GatewayClient(gateway.address) as client:
            first: Any = await client.explain(chat("r", sticky_key="s"))
            for _ in range(8):
                await client.invoke(chat("r"))
            then: Any = await client.explain(chat("r", sticky_key="s"))
    assert (first.split_arm, [arm.name for arm in first.arms], first.hedged) == ("canary", ["canary"], True)
    assert [(one.candidate.resource.name[-1], one.continues) for one in first.candidates] == [("a", True), ("b", False)]
    assert [fallback.target for fallback in first.fallbacks] == ["models/m"]
    assert first.hindrances == ()
    assert [one.candidate.resource.name[-1] for one in then.candidates] == ["b"]
    ((hindered,), (excluded,)) = (then.hindrances, then.exclusions)
    assert (hindered.name, hindered.state) == ("models/m/endpoints/a", "open")
    assert 0 < (hindered.wait or 0) <= 5
    assert excluded.names == ("models/m/endpoints/a",)
    assert not then.hedged, "nobody is left to ask beside the other"


async def test_documents_are_ordered(tmp_path):
    async def ranks(peer):
        scores = [{"index": i, "score": score} for i, score in enumerate((0.1, 0.9))]
        await peer.reply(200, json.dumps(scores).encode())

    rerank = Communication("tei.rerank", auth=Auth(AuthMethod.NONE))
    async with provider(ranks) as up:
        resources = [catalogs.model(), catalogs.endpoint("a", up.url, communication=rerank)]
        async with gateway_knowing(tmp_path, resources) as gateway, GatewayClient(gateway.address) as client:
            request = RerankRequest(query="q", documents=("worse", "better"), return_documents=True)
            answer: Any = await client.invoke(Invocation(model="m", rerank=request))
            with pytest.raises(errors.UnsupportedFieldError):
                async for _ in client.invoke_stream(Invocation(model="m", rerank=request)):
                    pass
    assert [result.document for result in answer.rerank.results] == ["better", "worse"]
    assert answer.settlement.target == "models/m/endpoints/a"


async def test_what_calls_cost_is_counted_once_with_all_their_attempts(tmp_path):
    facts: dict[str, Any] = {"prices": catalogs.PRICES, "priority": 0}
    slow = providers.hang_before_headers
    async with provider(slow) as first, provider(providers.ok) as second:
        resources = [
            catalogs.model(),
            catalogs.endpoint("a", first.url, **facts),
            catalogs.endpoint("b", second.url, **facts),
        ]
        async with gateway_knowing(tmp_path, resources) as gateway, GatewayClient(gateway.address) as client:
            answer: Any = await client.invoke(chat(policy=RoutePolicy(hedge_delay=0.05)))
            page = await metrics(gateway.http_address)
    spent = sum(
        float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith("airegistry_cost_usd_total")
    )
    assert spent == pytest.approx(answer.settlement.cost.nanos / 1e9)
    assert 'airegistry_attempts_total{error_class="",outcome="superseded",target="models/m/endpoints/a"} 1.0' in page
    assert 'airegistry_invocations_total{answered="true"} 1.0' in page


async def test_a_route_that_is_taken_away_is_gone_within_a_second(tmp_path):
    async with provider(providers.ok) as up, registry_at(tmp_path / "registry") as registry:
        await register(registry.address, *one_model("m", up.url), to("m"))
        async with (
            gateway_at(tmp_path / "gateway", registry.address) as gateway,
            GatewayClient(gateway.address) as client,
            RegistryClient(registry.address) as plane,
        ):
            await client.invoke(chat("r"))
            await plane.deregister("routes/r")
            with pytest.raises(errors.ModelNotFoundError):
                await until_refused(client)


async def until_refused(client):
    for _ in range(TURNS):
        await client.invoke(chat("r"))
        await asyncio.sleep(1 / TURNS)


@pytest.mark.parametrize(
    ("path", "more"),
    [
        pytest.param("/v1/chat/completions", {}, id="openai"),
        pytest.param("/v1/messages", {"max_tokens": 5}, id="anthropic"),
        pytest.param("/v1/responses", {"input": "x", "messages": None}, id="responses"),
        pytest.param("/api/chat", {"stream": False}, id="ollama"),
    ],
)
@pytest.mark.parametrize(
    ("sticky_by", "header"),
    [
        pytest.param("session", ("x-airegistry-session", "s-{}"), id="session"),
        pytest.param("label:team", ("x-airegistry-labels", "other=x, team=t-{}"), id="label"),
    ],
)
async def test_http_callers_stay_on_their_arm_by_what_their_headers_say(tmp_path, path, more, sticky_by, header):
    name, value = header
    body = {key: field for key, field in {"model": "r", "messages": MESSAGES, **more}.items() if field is not None}
    async with provider(providers.ok) as up:
        half = Split((SplitArm("canary", 500_000, "models/b"),), sticky_by)
        resources = [*one_model("a", up.url), *one_model("b", up.url), to("a", split=half)]
        async with gateway_knowing(tmp_path, resources) as gateway, aiohttp.ClientSession() as session:

            async def arm(i):
                url, headers = f"http://{gateway.http_address}{path}", {name: value.format(i)}
                async with session.post(url, json=body, headers=headers) as answer:
                    assert answer.status == 200, await answer.text()
                    return answer.headers.get("x-airegistry-split-arm", "")

            first = [await arm(i) for i in range(12)]
            assert [await arm(i) for i in range(12)] == first
    assert set(first) == {"", "canary"}


async def test_labels_that_are_none_are_refused_by_their_name(tmp_path):
    async with provider(providers.ok) as up, gateway_knowing(tmp_path, one_model("m", up.url)) as gateway:
        for labels, named in (("red", "x-airegistry-labels"), ("Not A Key=x", "labels")):
            code, _, text = await posted(gateway.http_address, model="m", headers={"x-airegistry-labels": labels})
            assert code == 400
            assert named in json.loads(text)["error"]["message"]
        assert up.seen == []
