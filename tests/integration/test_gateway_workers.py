"""Several processes of a gateway behind the same ports, on both carriers: whoever takes a connection, all is as with one."""

import asyncio
import os
import signal
import socket
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import openai
import psutil
import pytest

from airegistry.client import GatewayClient, RegistryClient
from airegistry.errors import NotFoundError, OverloadedError
from airegistry.learning.feedback import ReportFeedbackRequest
from airegistry.learning.records import read_decisions
from airegistry.resources.route import RoutePolicy, RouteTarget, RouteTier, Selection
from airegistry.snapshots import SnapshotFile
from tests import providers
from tests.catalogs import chat, endpoint, model, route
from tests.planes import NOWHERE, gateway_knowing, registry_at
from tests.ports import free_address, free_ports_apart
from tests.providers import TOKENS, Provider, provider
from tests.several_gateways import metric, refused, several_gateways

ANSWER = "".join(TOKENS)
TIER = (RouteTier((RouteTarget(model="models/m"),)),)
LEARNED = RoutePolicy(selection=Selection.LEARNED)
CARRIERS = pytest.mark.parametrize("carrier", ["aio", "envoy"])


class Scene:
    """A registry, a provider that it knows as `m`, and a gateway of two workers."""

    def __init__(self, gateway, registry, up: Provider) -> None:
        self.gateway = gateway
        self.registry = registry
        self.up = up

    async def ask(self, path="/v1/chat/completions", **body):
        """Ask over a connection of its own."""
        request = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]} | body
        async with (
            aiohttp.ClientSession(f"http://{self.gateway.http_address}") as http,
            http.post(path, json=request) as answer,
        ):
            assert answer.status == 200, await answer.text()
            return (await answer.json())["choices"][0]["message"]["content"]

    async def invoke(self, name="m"):
        """Call over a connection of its own, and return the id that feedback names."""
        async with GatewayClient(self.gateway.address, timeout=30) as client:
            settlement = (await client.invoke(chat(name))).settlement
        assert settlement is not None
        return settlement.call_id

    async def praise(self, call_id):
        """Say over a connection of its own that an answer was good, and return whose that was."""
        async with GatewayClient(self.gateway.address, timeout=30) as client:
            return (await client.report_feedback(ReportFeedbackRequest(call_id, score=1.0))).target

    async def counted(self, name):
        """Return a metric of each worker."""
        return [await metric(where, name) for where in self.gateway.own.values()]


@asynccontextmanager
async def scene(folder, carrier, *behaviours, **settings):
    async with AsyncExitStack() as stack:
        up = await stack.enter_async_context(provider(*behaviours or (providers.ok,)))
        registry = await stack.enter_async_context(registry_at(folder / "registry", registry_observations_gather=0.05))
        async with RegistryClient(registry.address) as client:
            await client.register([model(), endpoint("a", up.url), route("learned", tiers=TIER, policy=LEARNED)])
        usual: dict[str, Any] = {
            "ADDRESS": registry.address,
            "GATEWAY_START_WAIT": 20,
            "GATEWAY_REPORT_INTERVAL": 0.1,
            # Nobody else gets them when the gateway has stopped.
            "GATEWAY_ADDRESS": free_address(),
            "GATEWAY_HTTP_ADDRESS": free_address(),
        }
        gateway = await stack.enter_async_context(several_gateways(folder / "gateway", carrier, **usual | settings))
        yield Scene(gateway, registry, up)


async def facts(http_address):
    async with aiohttp.ClientSession(f"http://{http_address}") as http, http.get("/health") as page:
        return await page.json()


@CARRIERS
async def test_whoever_takes_a_connection_serves_all_of_it(tmp_path, carrier):
    async with AsyncExitStack() as stack:
        settings = {}
        if carrier == "envoy":
            # Nobody needs it where everything is on one port.
            taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            settings = {"GATEWAY_HTTP_ADDRESS": f"127.0.0.1:{taken.getsockname()[1]}"}
        here = await stack.enter_async_context(scene(tmp_path, carrier, **settings))
        for _ in range(20):
            assert await here.ask() == ANSWER
            await here.invoke()
        over_http, calls = (
            await here.counted("airegistry_invocations_total"),
            await here.counted("airegistry_attempts_total"),
        )
        assert sum(over_http) == sum(calls) == 40
        # Not once in a million times all of them go to one.
        assert min(calls) > 0
        assert len(set(here.gateway.own.values())) == len(psutil.Process(here.gateway.process.pid).children()) == 2
        for where in here.gateway.own.values():
            assert (await facts(where))["status"] == "SERVING"
        if carrier == "envoy":
            assert here.gateway.address == here.gateway.http_address
        # What they measured is counted once, whoever of them measured it.
        async with asyncio.timeout(20):
            while await metric(here.registry.http_address, "airegistry_observations_total") < 40:  # noqa: ASYNC110 - a page
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        assert await metric(here.registry.http_address, "airegistry_observations_total") == 40
        await here.gateway.stop()
    assert {line["worker"] for line in here.gateway.lines if "worker" in line} == {0, 1}


@CARRIERS
async def test_a_killed_worker_comes_back_while_calls_go_on(tmp_path, carrier):
    async with scene(tmp_path, carrier) as here:
        client = openai.AsyncOpenAI(base_url=f"http://{here.gateway.http_address}/v1", api_key="none", max_retries=8)
        served, over = 0, asyncio.Event()

        async def call() -> None:
            nonlocal served
            while not over.is_set():
                answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
                assert answer.choices[0].message.content == ANSWER
                served += 1

        async with client, asyncio.TaskGroup() as calls:
            for _ in range(4):
                calls.create_task(call())
            while served < 20:  # noqa: ASYNC110 - the calls say no more
                await asyncio.sleep(0.01)
            victim, other = psutil.Process(here.gateway.process.pid).children()
            victim.kill()
            line = await here.gateway.until_said("starting it again")
            assert "killed by SIGKILL" in line["event"]
            before = served
            await here.gateway.until_serving(int(line["event"].split()[1]))
            assert served > before
            over.set()
        assert other.is_running()
        assert victim.pid not in {each.pid for each in psutil.Process(here.gateway.process.pid).children()}
        for _ in range(20):
            await here.ask()
        assert min(await here.counted("airegistry_invocations_total")) > 0


def meeting_places(port):
    return list(Path(tempfile.gettempdir()).glob(f"airegistry-workers-*-{port}"))


@CARRIERS
async def test_feedback_reaches_the_worker_that_answered(tmp_path, carrier):
    async with scene(tmp_path, carrier, GATEWAY_LEARNING="true") as here:
        calls = [await here.invoke("routes/learned") for _ in range(20)]
        assert min(await here.counted("airegistry_invocations_total")) > 0
        assert {await here.praise(call) for call in calls} == {"models/m/endpoints/a"}
        with pytest.raises(NotFoundError):
            await here.praise("nobody-knows-this-one")
        await here.gateway.stop()
    log = tmp_path / "gateway" / "gateway" / "decisions.jsonl"
    decisions = read_decisions(log.read_text().splitlines(), str(log))
    assert sorted(decision.call_id for decision in decisions) == sorted(calls)
    assert meeting_places(here.gateway.address.rpartition(":")[2]) == []


@CARRIERS
async def test_running_calls_end_before_the_workers_do(tmp_path, carrier):
    async with scene(tmp_path, carrier, providers.paced(0.3)) as here:
        client = openai.AsyncOpenAI(base_url=f"http://{here.gateway.http_address}/v1", api_key="none", max_retries=0)
        async with client:
            streams = [
                await client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": "Hi"}], stream=True
                )
                for _ in range(4)
            ]
            texts = [asyncio.ensure_future(_text(stream)) for stream in streams]
            await here.gateway.stop()
            assert await asyncio.gather(*texts) == [ANSWER] * 4
        host, _, port = here.gateway.http_address.rpartition(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=5)


async def _text(stream):
    return "".join([part.choices[0].delta.content or "" async for part in stream if part.choices])


@CARRIERS
async def test_the_view_that_all_of_them_keep_is_whole(tmp_path, carrier):
    async with scene(tmp_path, carrier) as here:
        async with RegistryClient(here.registry.address) as client:
            for number in range(5):
                await client.register([model(f"m{number}")])
        assert await here.ask() == ANSWER
        await here.gateway.stop()
        assert not list((tmp_path / "gateway" / "gateway").glob(".snapshot*"))
        snapshot = SnapshotFile(tmp_path / "gateway" / "gateway" / "snapshot").load()
        assert snapshot is not None
        assert "models/m" in {resource.name for resource in snapshot.resources}
        # Both start from it where there is no registry.
        async with several_gateways(tmp_path / "gateway", carrier, ADDRESS=NOWHERE) as gateway:
            alone = Scene(gateway, None, here.up)
            for where in gateway.own.values():
                assert (await facts(where))["revision"] == snapshot.revision
            assert await alone.ask() == ANSWER


@pytest.mark.parametrize(
    ("carrier", "taken"),
    [
        ("aio", "GATEWAY_ADDRESS"),
        ("aio", "GATEWAY_HTTP_ADDRESS"),
        ("aio", "GATEWAY_WORKERS_HTTP_ADDRESS"),
        ("envoy", "GATEWAY_ADDRESS"),
        ("envoy", "GATEWAY_WORKERS_HTTP_ADDRESS"),
    ],
)
async def test_a_port_that_is_taken_is_said_before_anything_starts(tmp_path, carrier, taken):
    with socket.socket() as other:
        # As another server of this user, who would share it.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        ended = await refused(tmp_path, CARRIER=carrier, GATEWAY_WORKERS=2, **{taken: address})
    assert ended == (1, f"gateway: AIREGISTRY_{taken}: cannot listen on {address}: address already in use\n")


async def test_a_taken_port_further_up_names_the_setting_that_it_comes_from(tmp_path):
    first = free_ports_apart(1, 2)
    settings = {"GATEWAY_WORKERS": 2, "GATEWAY_WORKERS_HTTP_ADDRESS": f"127.0.0.1:{first}"}
    with socket.create_server(("127.0.0.1", first + 1)):
        ended = await refused(tmp_path, CARRIER="aio", **settings)
    named = f"AIREGISTRY_GATEWAY_WORKERS_HTTP_ADDRESS: cannot listen on 127.0.0.1:{first + 1}"
    assert ended == (1, f"gateway: {named}: address already in use\n")


@CARRIERS
async def test_workers_end_when_the_first_process_is_killed(tmp_path, carrier):
    async with several_gateways(tmp_path, carrier, ADDRESS=NOWHERE, GATEWAY_START_WAIT=0, GATEWAY_DRAIN=0) as gateway:
        workers = psutil.Process(gateway.process.pid).children()
        os.kill(gateway.process.pid, signal.SIGKILL)
        gone, alive = await asyncio.to_thread(psutil.wait_procs, workers, 30)
        assert len(gone) == 2
        assert not alive


@pytest.mark.parametrize(("most", "queue", "taken"), [(2, 0, 1), (3, 0, 2), (2, 1, 2)], ids=str)
async def test_a_worker_takes_its_part_of_what_all_of_them_may(tmp_path, most, queue, taken):
    limits = {"gateway_workers": 2, "gateway_max_in_flight": most, "gateway_queue_length": queue}
    async with AsyncExitStack() as stack:
        up = await stack.enter_async_context(provider(providers.hang_before_headers))
        known = [model(), endpoint("a", up.url)]
        gateway = await stack.enter_async_context(gateway_knowing(tmp_path, known, **limits))
        client = await stack.enter_async_context(GatewayClient(gateway.address))
        running = [asyncio.ensure_future(client.invoke(chat())) for _ in range(taken)]
        async with asyncio.timeout(20):
            while gateway.engine.admission.running + gateway.engine.admission.waiting < taken:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        with pytest.raises(OverloadedError):
            await client.invoke(chat())
        for call in running:
            call.cancel()
